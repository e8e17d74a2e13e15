// A user with a Telegram integration, and imports of made-up files into a real database in the worker's role.

import { systemClock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { ConversationRecord, MessageRecord } from '../../src/core/records.ts';
import type { Database, Tx } from '../../src/db/database.ts';
import { telegramExport } from '../../src/connectors/telegram/export/index.ts';
import { importTalk, type ImportReport, type TalkImport } from '../../src/ops/import-talk.ts';
import { conversationsTable } from '../../src/store/record-tables/conversations.ts';
import { messagesTable } from '../../src/store/record-tables/messages.ts';
import { removeRecords, upsertRecords, type UpsertTarget } from '../../src/store/upsert.ts';
import { acquireLease } from '../../src/store/stream-leases.ts';
import { generateKeyPair, publicRing } from '../../src/vault/key-ring.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import { addWorker, claimRun } from './claim-run.ts';
import type { TestDatabase } from './postgres.ts';
import { bytesOf, cut } from './telegram-export.ts';

export type ImportOptions = Partial<Omit<TalkImport, 'integrationId' | 'platform'>>;

export interface StoredMessage {
  readonly id: string;
  readonly chat_key: string;
  readonly platform_message_id: string;
  readonly content: string | null;
  readonly updated_at: Date;
  readonly conversation_id: string | null;
}

/** What a bot has been told, as its inbox stores it. */
export interface Told {
  readonly talks?: readonly ConversationRecord[];
  readonly messages?: readonly MessageRecord[];
  /** Keys of messages. */
  readonly removed?: readonly string[];
}

export interface ImportWorld {
  readonly userId: string;
  readonly integrationId: string;
  readonly worker: Database;
  import(value: unknown, options?: ImportOptions): Promise<ImportReport>;
  /** With a lease of its own, as a job of the worker. */
  act(work: (tx: Tx) => Promise<void>): Promise<void>;
  tell(told: Told): Promise<void>;
  messages(): Promise<readonly StoredMessage[]>;
  /** Every row that an import may touch, as text. */
  everything(): Promise<string>;
  imports(): Promise<readonly Record<string, unknown>[]>;
}

export const BOT_ID = '900';

export async function createImportWorld(database: TestDatabase): Promise<ImportWorld> {
  const worker = database.open('tidemark_worker');
  const sealer = createSealer(publicRing([generateKeyPair().publicKey]));
  const [userId, integrationId] = [uuidv7(), uuidv7()];
  await database.asSuperuser(`insert into users (id, email, name) values ($1, $2, 'Test')`, [
    userId,
    `${userId}@example.test`,
  ]);
  await database.asSuperuser(
    `insert into integrations (id, user_id, platform_id, status, external_account_id) values ($1, $2, 'telegram', 'connected', $3)`,
    [integrationId, userId, BOT_ID],
  );
  const rowsOf = (table: string): Promise<Record<string, unknown>[]> =>
    database.asSuperuser(`select * from ${table} where integration_id = $1 order by id`, [integrationId]);
  const act = async (work: (tx: Tx) => Promise<void>): Promise<void> => {
    const workerId = await addWorker(database.asSuperuser);
    const { jobId } = await claimRun(database.asSuperuser, { runId: uuidv7(), userId, workerId });
    const token = (await acquireLease(worker, jobId, workerId))!;
    await worker.tx({ kind: 'lease', token }, work);
  };
  return {
    userId,
    integrationId,
    worker,
    import: (value, options = {}) =>
      importTalk(
        { worker, openSealer: () => Promise.resolve(sealer), clock: systemClock },
        {
          integrationId,
          platform: 'telegram',
          fileName: 'result.json',
          open: ({ accountId }) => telegramExport({ accountId }),
          chunks: cut(bytesOf(value)),
          mode: 'store',
          signal: new AbortController().signal,
          onProgress: () => undefined,
          ...options,
        },
      ),
    act,
    tell: ({ talks = [], messages = [], removed = [] }) =>
      act(async (tx) => {
        const target: UpsertTarget = { integrationId, userId, timezone: 'UTC', now: new Date() };
        await upsertRecords(tx, conversationsTable, target, talks);
        await upsertRecords(tx, messagesTable, target, messages);
        await removeRecords(tx, messagesTable, target, removed);
      }),
    messages: () =>
      database.asSuperuser<StoredMessage>(
        `select * from messages where integration_id = $1 and deleted_at is null order by chat_key, sent_at, platform_message_id`,
        [integrationId],
      ),
    async everything() {
      const tables = await Promise.all(['messages', 'conversations', 'sync_quarantine', 'import_history'].map(rowsOf));
      return JSON.stringify(tables);
    },
    imports: () =>
      database.asSuperuser('select * from import_history where integration_id = $1 order by started_at', [
        integrationId,
      ]),
  };
}
