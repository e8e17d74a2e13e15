// What concerns security: one row per event, written once and never changed. Names and ids, never a value.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { LOG_PAGE, logPageValues, type LogPage } from './log-pages.ts';

/** Event → how grave it is. `token.*` is written by a trigger (`migrations/0011_trust.sql`). */
export const SECURITY_EVENTS = {
  'sign_in.done': 'info',
  'sign_in.refused': 'warning',
  'sign_out.done': 'info',
  'token.refused': 'warning',
  'token.created': 'info',
  'token.changed': 'info',
  'token.revoked': 'info',
  'token.removed': 'info',
  'door.locked': 'alarm',
  'key.rotated': 'info',
  'key.retired': 'info',
  'credential.open_refused': 'alarm',
} as const;

export type SecurityEventName = keyof typeof SECURITY_EVENTS;
export type SecuritySeverity = (typeof SECURITY_EVENTS)[SecurityEventName];

export interface SecurityEvent {
  readonly at: Date;
  readonly event: SecurityEventName;
  /** Null or absent: nobody who is known. */
  readonly token?: { readonly id: string; readonly name: string } | null;
  /** Where it came from, as the server saw it. */
  readonly address?: string;
  readonly userId?: string;
  readonly integrationId?: string;
  /** Ids and words; at most a few. */
  readonly details?: Readonly<Record<string, unknown>>;
}

const MAX_ADDRESS_CHARS = 100;

export async function noteSecurityEvent(db: Queryable, noted: SecurityEvent): Promise<void> {
  const { at, event, token, address, userId, integrationId, details } = noted;
  await db.query(
    sql`
    insert into security_logs (at, event, severity, token_id, token_name, address, details)
    values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      at,
      event,
      SECURITY_EVENTS[event],
      token?.id ?? null,
      token?.name ?? null,
      address?.slice(0, MAX_ADDRESS_CHARS) ?? null,
      JSON.stringify({ userId, integrationId, ...details }),
    ],
  );
}

export interface SecurityLog {
  readonly id: string;
  readonly at: Date;
  readonly event: string;
  readonly severity: SecuritySeverity;
  readonly tokenId: string | null;
  readonly tokenName: string | null;
  readonly address: string | null;
  readonly login: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface SecurityFilter extends LogPage {
  readonly event?: string | undefined;
  readonly severity?: SecuritySeverity | undefined;
}

/** Newest first. */
export async function listSecurityEvents(
  db: Queryable,
  { event, severity, ...page }: SecurityFilter,
): Promise<readonly SecurityLog[]> {
  const { rows } = await db.query<SecurityLog>(
    sql`
    select id, at, event, severity, token_id as "tokenId", token_name as "tokenName", address, login, details
    from security_logs
    where ($1::text is null or event = $1)
      and ($2::text is null or severity = $2)${LOG_PAGE}`,
    [event ?? null, severity ?? null, ...logPageValues(page)],
  );
  return rows;
}
