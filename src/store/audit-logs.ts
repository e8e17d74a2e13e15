// Who did what: one row per action, written once and never changed. Values of secrets have no place here.

import { storableText } from '../core/storable.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { LOG_PAGE, logPageValues, type LogPage } from './log-pages.ts';

export type AuditOutcome = 'done' | 'refused' | 'failed';

export interface AuditEntry {
  readonly at: Date;
  /** Null: nobody who is known, as at a failed sign-in. */
  readonly token: { readonly id: string; readonly name: string } | null;
  /** `createUser`, `board.retry`: the operation, or the verb of a page. */
  readonly action: string;
  /** What it was done to: a queue, a job, an integration. */
  readonly target: string | null;
  /** Ids and words; at most a few. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly outcome: AuditOutcome;
}

const MAX_TARGET_CHARS = 500;

export async function insertAudit(db: Queryable, { at, token, action, target, details, outcome }: AuditEntry) {
  await db.query(
    sql`
    insert into audit_logs (at, token_id, token_name, action, target, details, outcome)
    values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      at,
      token?.id ?? null,
      token?.name ?? null,
      action,
      target === null ? null : storableText(target.slice(0, MAX_TARGET_CHARS)),
      JSON.stringify(details ?? {}),
      outcome,
    ],
  );
}

export interface AuditLog {
  readonly id: string;
  readonly at: Date;
  /** Role of the transaction that wrote the row. */
  readonly login: string;
  readonly tokenId: string | null;
  readonly tokenName: string | null;
  /** `createUser` for what was asked for, `users.insert` for a row that changed. */
  readonly action: string;
  /** Why a row changed: the operation, command or job; null for what was asked for. */
  readonly reason: string | null;
  readonly target: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly outcome: AuditOutcome;
}

export interface AuditFilter extends LogPage {
  readonly action?: string | undefined;
  readonly target?: string | undefined;
}

/** Newest first. */
export async function listAudit(db: Queryable, { action, target, ...page }: AuditFilter): Promise<readonly AuditLog[]> {
  const { rows } = await db.query<AuditLog>(
    sql`
    select id, at, login, token_id as "tokenId", token_name as "tokenName", action, reason, target, details, outcome
    from audit_logs
    where ($1::text is null or action = $1)
      and ($2::text is null or target = $2)${LOG_PAGE}`,
    [action ?? null, target ?? null, ...logPageValues(page)],
  );
  return rows;
}
