// Pages that are part of a snapshot: who is in it, and, once it is complete, the removal of what it no longer has. A
// snapshot that is missing much is more often a broken answer than a real clearance, so a brake stands before it.

import { AppError, type ErrorReport } from '../core/errors.ts';
import type { Queryable } from '../db/database.ts';
import type { PageMode } from '../connectors/contract/stream.ts';
import type { RecordTable } from '../store/record-tables/record-table.ts';
import type { AnyRecord } from '../store/record-tables/tables.ts';
import { findMissing, forgetMissing, noteMembers, UNKNOWN_MEMBER, type Scope } from '../store/stream-generations.ts';
import { removeRecords, type UpsertTarget } from '../store/upsert.ts';

export interface ScopeEffect {
  readonly removed: number;
  readonly dirtyDays: readonly string[];
  readonly problems: readonly ErrorReport[];
}

export interface ScopePage {
  readonly mode: PageMode;
  readonly stream: string;
  readonly target: UpsertTarget;
  readonly table: RecordTable<AnyRecord>;
  /** Keys of all records of the page, quarantined ones included; null for a record whose key could not be read. */
  readonly keys: readonly (string | null)[];
}

const NO_EFFECT: ScopeEffect = { removed: 0, dirtyDays: [], problems: [] };
const BRAKE_ROWS = 50;
const BRAKE_SHARE = 0.3;

/** True when a close may not remove `missing` of `members` rows without a person's word. */
export function isBraked(missing: number, members: number): boolean {
  return missing > Math.max(BRAKE_ROWS, BRAKE_SHARE * members);
}

/** Throws `sync.delete_brake`; the page is then not stored, and the stream waits for a person. */
export async function applyScope(
  tx: Queryable,
  { mode, stream, target, table, keys }: ScopePage,
): Promise<ScopeEffect> {
  if (mode.kind === 'upsert') return NO_EFFECT;
  const { integrationId, userId } = target;
  const scope: Scope = { integrationId, userId, stream, key: mode.key, generation: mode.generation };
  await noteMembers(tx, scope, [...new Set(keys.map((key) => key ?? UNKNOWN_MEMBER))]);
  if (!mode.close) return NO_EFFECT;
  const missing = await findMissing(tx, scope);
  if (missing.isDoubtful) return { ...NO_EFFECT, problems: [doubt(mode.key)] };
  if (isBraked(missing.keys.length, missing.members) && !missing.mayRemoveMany) {
    throw new AppError(
      'sync.delete_brake',
      `the new state of ${stream} is missing ${missing.keys.length} of ${missing.members} rows: confirm the removal, or check the platform`,
      { details: { scope: mode.key, missing: missing.keys.length, members: missing.members } },
    );
  }
  const { removed, dirtyDays } = await removeRecords(tx, table, target, missing.keys);
  await forgetMissing(tx, scope);
  return { removed, dirtyDays, problems: [] };
}

function doubt(scopeKey: string): ErrorReport {
  const message = `a record without a key was among ${scopeKey}: nothing was removed`;
  return { code: 'record.invalid', kind: 'invalid_record', message };
}
