// Users: the tenants. Whoever asks decides the transaction's scope; nothing here widens it.

import { AppError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import type { Queryable } from '../db/database.ts';
import { sqlState } from '../db/errors.ts';
import { sql } from '../db/sql.ts';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** IANA. */
  readonly timezone: string;
  /** ISO 4217. */
  readonly reportingCurrency: string;
  readonly isActive: boolean;
  readonly createdAt: Date;
}

const COLUMNS = `id, email, name, timezone, reporting_currency as "reportingCurrency", is_active as "isActive",
      created_at as "createdAt"`;

export interface NewUser {
  readonly email: string;
  readonly name: string;
  /** Default UTC. */
  readonly timezone?: string;
  /** Default USD. */
  readonly reportingCurrency?: string;
}

/** What each broken rule of the table expected, by constraint. */
const EXPECTED: Readonly<Record<string, (user: NewUser) => string>> = {
  users_email: ({ email }) => `expected an e-mail address that no user has yet, got ${email}`,
  users_email_check: ({ email }) => `expected an e-mail address of at most 320 characters, got ${email.slice(0, 80)}`,
  users_name_check: () => 'expected a name of 1 to 255 characters',
  users_reporting_currency_check: ({ reportingCurrency }) =>
    `expected an ISO 4217 currency like EUR, got ${String(reportingCurrency)}`,
  timezone_is_iana: ({ timezone }) => `expected an IANA time zone like Europe/Berlin, got ${String(timezone)}`,
};

function refusedUser(error: unknown, user: NewUser): unknown {
  const cause: unknown = error instanceof AppError ? error.cause : error;
  if (!(sqlState(cause) ?? '').startsWith('23')) return error;
  const { constraint = '' } = cause as { readonly constraint?: string };
  const expected = EXPECTED[constraint];
  return expected === undefined ? error : new AppError('input.invalid', expected(user), { cause });
}

/** Throws `input.invalid` for a taken or malformed address, an empty name, an unknown zone or currency. */
export async function addUser(db: Queryable, user: NewUser): Promise<User> {
  try {
    const { rows } = await db.query<User>(
      sql`
      insert into users (email, name, timezone, reporting_currency)
      values ($1, $2, $3, $4)
      returning ${COLUMNS}`,
      [user.email.trim(), user.name.trim(), user.timezone ?? 'UTC', user.reportingCurrency ?? 'USD'],
    );
    return rows[0]!;
  } catch (error) {
    throw refusedUser(error, user);
  }
}

/** Stores what may change of a user: name, zone, currency, whether he is active. Throws `input.invalid`. */
export async function changeUser(db: Queryable, user: User): Promise<User> {
  try {
    const { rows } = await db.query<User>(
      sql`
      update users
      set name = $2, timezone = $3, reporting_currency = $4, is_active = $5, updated_at = clock_timestamp()
      where id = $1
      returning ${COLUMNS}`,
      [user.id, user.name.trim(), user.timezone, user.reportingCurrency, user.isActive],
    );
    return rows[0]!;
  } catch (error) {
    throw refusedUser(error, user);
  }
}

/** By id, or by e-mail address in any case. */
export async function findUser(db: Queryable, emailOrId: string): Promise<User | null> {
  const byId = isUuid(emailOrId);
  const { rows } = await db.query<User>(
    sql`
    select ${COLUMNS}
    from users
    where ${byId ? 'id = $1' : 'lower(email) = lower($1)'}`,
    [emailOrId],
  );
  return rows[0] ?? null;
}

export interface UserPage {
  /** At most 1,000; default 200. */
  readonly limit?: number;
  /** Id of the last user of the page before. */
  readonly after?: string;
}

/** Oldest first. */
export async function listUsers(db: Queryable, { limit = 200, after }: UserPage = {}): Promise<readonly User[]> {
  const { rows } = await db.query<User>(
    sql`
    select ${COLUMNS}
    from users
    where $1::uuid is null
      or id > $1
    order by id
    limit $2`,
    [after ?? null, Math.min(limit, 1_000)],
  );
  return rows;
}

/** Zones that active users live in. */
export async function listActiveZones(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ timezone: string }>(sql`
    select distinct timezone
    from users
    where is_active
    order by timezone`);
  return rows.map(({ timezone }) => timezone);
}

/** With everything that belongs to the user. False: no such user. */
export async function removeUser(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    delete from users
    where id = $1`,
    [id],
  );
  return rowCount === 1;
}
