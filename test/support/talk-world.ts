// Users with accounts at a small messaging platform, and what receives and sends for them, over a real database. Jobs are handed
// to their handlers by the test.

import { uuidv7 } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { AnyConnector } from '../../src/connectors/contract/connector.ts';
import type { InboxEvent } from '../../src/core/inbox-event.ts';
import { createHttpClient } from '../../src/http/client.ts';
import { createEgressPolicy } from '../../src/http/egress.ts';
import type { HttpClient, HttpClientScope } from '../../src/http/http-client.ts';
import { createSendHandler, type SendDeps } from '../../src/messages/send-message.ts';
import { insertCredential } from '../../src/store/credentials.ts';
import { receiveEvents, type Arrived } from '../../src/store/inbox.ts';
import { sealCredential } from '../../src/sync/credential-vault.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { generateKeyPair } from '../../src/vault/key-ring.ts';
import { createProcessHandler } from '../../src/webhooks/process-events.ts';
import type { Outcome } from '../../queues/outcome.ts';
import type { JobContext, JobQueue, JobRequest } from '../../queues/port.ts';
import { addWorker } from './claim-run.ts';
import { OPEN_GOVERNOR } from './connector-rig.ts';
import { NO_STREAM } from './http.ts';
import type { TestDatabase } from './postgres.ts';
import { vaultOf } from './refresh-vault.ts';
import { createTalkPlatform, type TalkPlatform } from './talk-platform.ts';
import { eventRecorder, type EventRecorder } from './wait.ts';

export interface Account {
  readonly userId: string;
  readonly integrationId: string;
}

export interface TalkWorld {
  readonly platform: TalkPlatform;
  readonly log: EventRecorder;
  readonly enqueued: JobRequest[];
  /** What `createReceivers` and the handlers work with. */
  readonly deps: SendDeps & { readonly queue: Pick<JobQueue, 'enqueue' | 'enqueueMany'> };
  /** A connected integration of the account `accountKey`. */
  connect(accountKey: string, settings?: object): Promise<Account>;
  addWorker(): Promise<string>;
  /** Stores events as the webhook's door does. */
  receive(...events: readonly InboxEvent[]): Promise<readonly Arrived[]>;
  process(inboxId: string, workerId?: string): Promise<Outcome>;
  /** Processes every event that waits, one job each, `lanes` at a time. */
  processAll(lanes?: number): Promise<void>;
  /** A queued message with its job. */
  queueMessage(account: Account, chat: string, text: string, options?: object): Promise<string>;
  send(
    messageId: string,
    given?: {
      readonly workerId?: string;
      readonly deps?: Partial<SendDeps>;
      readonly job?: Partial<JobContext<'message.send'>>;
    },
  ): Promise<Outcome>;
  messages(account: Account): Promise<readonly Record<string, unknown>[]>;
  ask: TestDatabase['asSuperuser'];
}

export interface TalkWorldOptions {
  /** Default: the small platform's. */
  readonly connector?: AnyConnector;
  /** Base URL of a platform with an address. */
  readonly baseUrl?: string;
  readonly credentialsOf?: (accountKey: string) => unknown;
}

function httpTo(connector: AnyConnector, baseUrl: string): (scope: HttpClientScope) => HttpClient {
  return createHttpClient({
    governor: OPEN_GOVERNOR,
    egress: createEgressPolicy(),
    clock: systemClock,
    log: silentLog,
    baseUrls: { [connector.platform]: baseUrl },
    userAgent: 'tidemark-test',
    random: () => 0,
  });
}

const aToken = (account: string): unknown => ({ account, token: `token-of-${account}-${uuidv7()}` });

export async function createTalkWorld(
  database: TestDatabase,
  { connector: given, baseUrl, credentialsOf = aToken }: TalkWorldOptions = {},
): Promise<TalkWorld> {
  const platform = createTalkPlatform();
  const connector = given ?? platform.connector;
  const log = eventRecorder();
  const enqueued: JobRequest[] = [];
  const worker = database.open('tidemark_worker');
  const api = database.open('tidemark_api');
  const { vault, sealer } = vaultOf(generateKeyPair());
  const ask = database.asSuperuser;
  const enqueueMany: JobQueue['enqueueMany'] = (requests) => {
    enqueued.push(...requests);
    return Promise.resolve(requests.map(() => ({ jobId: uuidv7(), created: true })));
  };
  const deps = {
    db: worker,
    vault,
    clock: systemClock,
    log,
    egressId: 'test',
    queue: { enqueueMany, enqueue: async (request: JobRequest) => (await enqueueMany([request]))[0]! },
    connectors: new Map([[connector.platform, connector]]),
    httpFor:
      baseUrl === undefined
        ? () => ({ ...NO_STREAM, request: () => Promise.reject(new Error('this platform has no address')) })
        : httpTo(connector, baseUrl),
  };
  let ownWorker: string | undefined;
  const theWorker = async (): Promise<string> => (ownWorker ??= await addWorker(ask));
  const jobOf = (workerId: string) => ({
    jobId: uuidv7(),
    workerId,
    userId: null,
    workClass: 'incremental' as const,
    attempt: 1,
    takeovers: 0,
    signal: new AbortController().signal,
    draining: new AbortController().signal,
    log,
    progress: () => undefined,
  });

  const world: TalkWorld = {
    platform,
    log,
    enqueued,
    deps,
    ask,
    addWorker: () => addWorker(ask),
    async connect(accountKey, settings = {}) {
      const account = { userId: uuidv7(), integrationId: uuidv7() };
      await ask('insert into users (id, email, name) values ($1, $2, $3)', [
        account.userId,
        `${account.userId}@example.test`,
        'Test',
      ]);
      await ask(
        `insert into integrations (id, user_id, platform_id, external_account_id, account_proven_at, status, settings)
         values ($1, $2, $5, $3, now(), 'connected', $4)`,
        [account.integrationId, account.userId, accountKey, JSON.stringify(settings), connector.platform],
      );
      const value = new Secret<unknown>(credentialsOf(accountKey));
      const target = { ...account, version: 1, expiresAt: null };
      await api.tx({ kind: 'user', userId: account.userId }, (tx) =>
        insertCredential(tx, sealCredential(sealer, target, value, connector.platform)),
      );
      return account;
    },
    receive: (...events) => receiveEvents(api, connector.platform, events),
    async process(inboxId, workerId) {
      const id = workerId ?? (await theWorker());
      const job = { ...jobOf(id), kind: 'webhook.process' as const, queue: 'webhooks', payload: { inboxId } };
      return await createProcessHandler(deps)(job);
    },
    async processAll(lanes = 1) {
      const waiting = await ask<{ id: string }>(`select id from webhook_inbox where state = 'waiting' order by seq`);
      const next = waiting.values();
      const lane = async (): Promise<void> => {
        for (const { id } of next) await world.process(id);
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    },
    async queueMessage({ userId, integrationId }, chat, text, options = {}) {
      const { allowRepeat = false } = options as { allowRepeat?: boolean };
      const [row] = await ask<{ id: string }>(
        `insert into outbound_messages (user_id, integration_id, chat_key, message, allow_repeat)
         values ($1, $2, $3, $4, $5) returning id`,
        [userId, integrationId, chat, JSON.stringify({ type: 'text', chat, text }), allowRepeat],
      );
      return row!.id;
    },
    async send(messageId, { workerId, deps: more = {}, job: given = {} } = {}) {
      const id = workerId ?? (await theWorker());
      const [{ user_id: userId }] = (await ask<{ user_id: string }>(
        'select user_id from outbound_messages where id = $1',
        [messageId],
      )) as [{ user_id: string }];
      const job = {
        ...jobOf(id),
        kind: 'message.send' as const,
        queue: 'send-messages',
        payload: { messageId },
        ...given,
      };
      await ask(
        `insert into job_ledger (id, kind, queue, payload, user_id, run_at, state, worker_id, max_attempts, created_at)
         values ($1, 'message.send', 'send-messages', $2, $3, now(), 'active', $4, 8, now())`,
        [job.jobId, JSON.stringify({ messageId }), userId, id],
      );
      return await createSendHandler({ ...deps, ...more })(job);
    },
    messages: ({ integrationId }) =>
      ask('select * from messages where integration_id = $1 order by chat_key, platform_message_id', [integrationId]),
  };
  return world;
}
