// Imports of files (`import_history`): the right to write for the user of an integration, given to one import at a time, and what
// came of it. For the worker's role.

import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface ImportTarget {
  readonly userId: string;
  /** The integration's account at the platform, where it is known. */
  readonly accountId: string | null;
  /** IANA zone of the user. */
  readonly timezone: string;
}

/** Null: no such integration, another platform's, or a disconnected one. */
export async function findImportTarget(
  db: Queryable,
  { integrationId, platform }: { readonly integrationId: string; readonly platform: string },
): Promise<ImportTarget | null> {
  const { rows } = await db.query<ImportTarget>(
    sql`
    select user_id as "userId", account as "accountId", timezone
    from tidemark_private.import_target($1, $2)`,
    [integrationId, platform],
  );
  return rows[0] ?? null;
}

export interface NewImport {
  readonly id: string;
  readonly integrationId: string;
  readonly platform: string;
  readonly source: string;
  readonly fileName: string;
}

/** A lease token for the integration's user; an import of it that ran before has lost its own. Null: see `findImportTarget`. */
export async function beginImport(
  db: Queryable,
  { id, integrationId, platform, source, fileName }: NewImport,
): Promise<string | null> {
  const { rows } = await db.query<{ token: string | null }>(
    'select tidemark_private.begin_import($1, $2, $3, $4, $5) as token',
    [id, integrationId, platform, source, fileName],
  );
  return rows[0]?.token ?? null;
}

/** Keeps the import from being taken over until the transaction ends. False: it was taken over before. */
export async function holdImport(tx: Tx, id: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    select
    from import_history
    where id = $1
      and status = 'running'
    for no key update`,
    [id],
  );
  return rowCount === 1;
}

/** How far it is. */
export async function countImport(tx: Tx, id: string, counts: unknown): Promise<void> {
  await tx.query(
    sql`
    update import_history
    set counts = $2
    where id = $1`,
    [id, JSON.stringify(counts)],
  );
}

export interface EndedImport {
  readonly id: string;
  readonly status: 'success' | 'partial' | 'failed' | 'cancelled';
  readonly errorCode: string | null;
  readonly now: Date;
}

/** False: it was taken over, and ended by that. */
export async function endImport(tx: Tx, { id, status, errorCode, now }: EndedImport): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update import_history
    set status = $2, error_code = $3, ended_at = $4
    where id = $1
      and status = 'running'`,
    [id, status, errorCode, now],
  );
  return rowCount === 1;
}
