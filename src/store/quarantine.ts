// Records that could not be stored: sealed as they came, with a view that shows their shape and no value. One row per
// record that stays bad, however often it comes.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface QuarantineRow {
  /** Natural key, or a digest of the raw record when it has none. */
  readonly recordKey: string;
  readonly reasonCode: string;
  readonly reason: string;
  readonly path: string | null;
  readonly redacted: unknown;
  readonly ciphertext: Uint8Array;
  readonly wrappedKey: Uint8Array;
  readonly keyId: string;
  readonly version: number;
}

export interface QuarantineTarget {
  readonly userId: string;
  readonly integrationId: string;
  readonly stream: string;
  /** Null: the record came out of a file. */
  readonly runId: string | null;
  readonly now: Date;
}

/** `rows` must not hold one key twice. */
export async function quarantineRecords(
  tx: Queryable,
  { userId, integrationId, stream, runId, now }: QuarantineTarget,
  rows: readonly QuarantineRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    sql`
    insert into sync_quarantine as q
      (user_id, integration_id, stream, run_id, created_at, record_key, reason_code, reason, path, redacted, ciphertext,
       wrapped_key, key_id, version)
    select $1, $2, $3, $4, $5, u.record_key, u.reason_code, u.reason, u.path, u.redacted::jsonb, u.ciphertext,
      u.wrapped_key, u.key_id, u.version
    from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[], $12::bytea[], $13::text[],
        $14::integer[])
      as u (record_key, reason_code, reason, path, redacted, ciphertext, wrapped_key, key_id, version)
    on conflict (integration_id, stream, record_key) where record_key is not null and replayed_at is null do update
    set run_id = excluded.run_id, reason_code = excluded.reason_code, reason = excluded.reason, path = excluded.path,
      redacted = excluded.redacted, ciphertext = excluded.ciphertext, wrapped_key = excluded.wrapped_key,
      key_id = excluded.key_id, version = excluded.version`,
    [
      userId,
      integrationId,
      stream,
      runId,
      now,
      rows.map((row) => row.recordKey),
      rows.map((row) => row.reasonCode),
      rows.map((row) => row.reason),
      rows.map((row) => row.path),
      rows.map((row) => JSON.stringify(row.redacted)),
      rows.map((row) => Buffer.from(row.ciphertext)),
      rows.map((row) => Buffer.from(row.wrappedKey)),
      rows.map((row) => row.keyId),
      rows.map((row) => row.version),
    ],
  );
}
