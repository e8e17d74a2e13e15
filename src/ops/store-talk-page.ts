// A checked page of a talk into the database: rows, what was refused and how far the import is, in one transaction that another
// import of the integration ends.

import { AppError } from '../core/errors.ts';
import type { ConversationRecord, MessageRecord } from '../core/records.ts';
import type { Database, Tx } from '../db/database.ts';
import { markDirtyDays } from '../store/dirty-days.ts';
import { holdTimezone } from '../store/hold-timezone.ts';
import { countImport, holdImport, type ImportTarget } from '../store/imports.ts';
import { quarantineRecords } from '../store/quarantine.ts';
import { findKeptMessages, isConversationKept, type ImportOf } from '../store/received-talk.ts';
import { conversationsTable } from '../store/record-tables/conversations.ts';
import { tableOf } from '../store/record-tables/tables.ts';
import { upsertRecords, type UpsertTarget } from '../store/upsert.ts';
import { upsertBisected } from '../sync/bisect.ts';
import { toQuarantineRows } from '../sync/quarantine.ts';
import type { BadRecord, Candidate } from '../sync/validate.ts';
import type { Sealer } from '../vault/sealer.ts';
import { problemOf, STREAM, type CheckedPage } from './check-talk-page.ts';
import { addCounts, writtenCounts, type ImportCounts, type Problem } from './import-counts.ts';

export interface HeldImport extends ImportOf {
  readonly id: string;
  readonly platform: string;
  /** Lease token of the integration's user. */
  readonly token: string;
  readonly target: ImportTarget;
}

export interface PageStore {
  /** Pool of the worker role. */
  readonly worker: Database;
  readonly sealer: Sealer;
}

export interface StoredPage {
  /** With those of the pages before. */
  readonly counts: ImportCounts;
  readonly problems: readonly Problem[];
}

export interface PageToStore {
  readonly page: CheckedPage;
  /** With what is known of it by now. */
  readonly talk: ConversationRecord | null;
  readonly isFirstOfTalk: boolean;
  readonly counts: ImportCounts;
  readonly now: Date;
}

/** Throws `import.taken_over` when another import of the integration has begun, and `db.*`; nothing is written then. */
export async function storeTalkPage(
  { worker, sealer }: PageStore,
  held: HeldImport,
  { page, talk, isFirstOfTalk, counts, now }: PageToStore,
): Promise<StoredPage> {
  const { token, target, integrationId } = held;
  return await worker.tx({ kind: 'lease', token }, async (tx) => {
    if (!(await holdImport(tx, held.id))) {
      throw new AppError(
        'import.taken_over',
        'expected to be the only import of this integration: another one has begun',
      );
    }
    const timezone = await holdTimezone(tx, target.userId);
    const upsertTarget: UpsertTarget = { integrationId, userId: target.userId, timezone, now };
    const isNew = talk !== null && (await storeTalk(tx, held, upsertTarget, talk));
    const { written, refused, kept, taken, dirtyDays } = await storeMessages(tx, held, upsertTarget, page.messages);
    const bad = [...page.bad, ...refused];
    await quarantine(tx, held, { sealer, bad, now });
    await markDirtyDays(tx, target.userId, dirtyDays);
    const effect: ImportCounts = {
      talks: { read: Number(isFirstOfTalk), new: Number(isNew), refused: Number(isFirstOfTalk && talk === null) },
      messages: {
        ...written,
        read: page.messages.length + page.bad.length + page.duplicates,
        kept,
        duplicate: page.duplicates,
        refused: bad.length + taken.length,
      },
    };
    const sum = addCounts(counts, effect);
    await countImport(tx, held.id, sum);
    const late = [...refused, ...taken].map(({ raw, error }) => problemOf(page.pathOf(raw), error));
    return { counts: sum, problems: [...page.problems, ...late] };
  });
}

/** True when it was not there. */
async function storeTalk(tx: Tx, held: HeldImport, target: UpsertTarget, talk: ConversationRecord): Promise<boolean> {
  if (await isConversationKept(tx, held, talk)) return false;
  const { inserted } = await upsertRecords(tx, conversationsTable, target, [talk]);
  return inserted > 0;
}

interface StoredMessages {
  readonly written: ReturnType<typeof writtenCounts>;
  readonly refused: readonly BadRecord[];
  readonly kept: number;
  /** Messages whose id another message has. */
  readonly taken: readonly BadRecord[];
  readonly dirtyDays: readonly string[];
}

const TAKEN = 'the account received another message under this id';

async function storeMessages(
  tx: Tx,
  held: HeldImport,
  target: UpsertTarget,
  candidates: readonly Candidate[],
): Promise<StoredMessages> {
  const records = candidates.map(({ record }) => record as MessageRecord);
  const { kept, taken } = await findKeptMessages(tx, held, records);
  const free = candidates.filter((_, index) => !kept.has(index) && !taken.has(index));
  const { result, refused } = await upsertBisected(tx, tableOf('message'), target, free);
  return {
    written: writtenCounts(result),
    refused,
    kept: kept.size,
    taken: candidates
      .filter((_, index) => taken.has(index))
      .map(({ key, raw }) => ({ key, raw, error: new AppError('record.refused', TAKEN) })),
    dirtyDays: result.dirtyDays,
  };
}

async function quarantine(
  tx: Tx,
  { target, integrationId, platform }: HeldImport,
  { sealer, bad, now }: { readonly sealer: Sealer; readonly bad: readonly BadRecord[]; readonly now: Date },
): Promise<void> {
  if (bad.length === 0) return;
  const { userId } = target;
  const rows = toQuarantineRows(bad, { sealer, userId, integrationId, platform });
  await quarantineRecords(tx, { userId, integrationId, stream: STREAM, runId: null, now }, rows);
}
