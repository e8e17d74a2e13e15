// Which table keeps which record kind.

import type { RecordKind, RecordKinds } from '../../core/records.ts';
import { jobsTable } from './jobs.ts';
import { proposalsTable } from './proposals.ts';
import type { RecordTable } from './record-table.ts';
import { upworkProfilesTable } from './upwork-profiles.ts';

/** A record whose kind is known only to its stream. */
export type AnyRecord = RecordKinds[RecordKind];

const TABLES: { readonly [K in RecordKind]: RecordTable<RecordKinds[K]> } = {
  posting: jobsTable,
  proposal: proposalsTable,
  upwork_profile: upworkProfilesTable,
};

/** The table of a kind. A stream's `parse` yields records of its own `kind`, so the getters fit. */
export function tableOf(kind: RecordKind): RecordTable<AnyRecord> {
  return TABLES[kind] as unknown as RecordTable<AnyRecord>;
}
