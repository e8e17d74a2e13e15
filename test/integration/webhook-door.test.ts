// Webhooks over real HTTP: proven on the bytes that came, stored before they are answered, refused without a trace of what came.

import { createHmac } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Webhook } from '../../src/connectors/contract/webhook.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { putWebhookApp } from '../../src/store/webhook-apps.ts';
import { generateKeyPair, publicRing } from '../../src/vault/key-ring.ts';
import { createOpener } from '../../src/vault/opener.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import { sha256 } from '../../src/webhooks/verify.ts';
import { createWebhookSecrets, webhookAppContext } from '../../src/webhooks/webhook-secrets.ts';
import type { JobQueue } from '../../queues/port.ts';
import { startApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { memoryQueue } from '../support/memory-queue.ts';
import { eventOf, type Update } from '../support/talk-platform.ts';
import { createTalkWorld, type Account, type TalkWorld } from '../support/talk-world.ts';
import { eventRecorder, waitFor } from '../support/wait.ts';

const SECRET = 'the-app-secret-of-a-test-0123456789';
const VERIFY = 'verify-token-of-a-test';

let database: TestDatabase;
let world: TalkWorld;
let account: Account;
let address: string;
let bot: string;
let openings: number;
const log = eventRecorder();

beforeAll(async () => {
  database = await createTestDatabase();
});

const signed: Webhook = {
  proof: { kind: 'hmac_sha256', header: 'x-hub-signature-256', prefix: 'sha256=' },
  maxBytes: 64 * 1024,
  handshake: 'hub',
  eventsOf: (body) => (body as Update[]).map((update) => eventOf(bot, update)),
};

/** The api with two platforms: one that repeats a token, and one that signs. */
beforeEach(async ({ task }) => {
  world = await createTalkWorld(database);
  bot = task.id;
  account = await world.connect(bot);
  openings = 0;
  const keys = generateKeyPair();
  const db = database.open('tidemark_api');
  const { connector } = world.platform;
  const enqueueMany: JobQueue['enqueueMany'] = (requests, options) => world.deps.queue.enqueueMany(requests, options);
  const server = await startApi(db, {
    queue: { ...memoryQueue([]), enqueueMany },
    log,
    deps: {
      log,
      connectorOf: (platform) =>
        platform === 'whatsapp' ? { ...connector, platform: 'whatsapp', webhook: signed } : connector,
    },
    webhookSecrets: createWebhookSecrets({
      db,
      clock: systemClock,
      opener: () => {
        openings += 1;
        return Promise.resolve(createOpener(new Map([[keys.publicKey.id, keys]])));
      },
    }),
  });
  ({ address } = server);
  const sealed = createSealer(publicRing([keys.publicKey])).seal(
    new Secret(SECRET),
    webhookAppContext('whatsapp', 'app1'),
  );
  await putWebhookApp(db, { platform: 'whatsapp', appId: 'app1', ...sealed, verifyTokenHash: sha256(VERIFY) });
  await world.ask(
    `insert into event_receivers (platform_id, account_key, mode, secret_hash) values ('telegram', $1, 'webhook', $2)`,
    [bot, sha256('right')],
  );
});

const UPDATE: Update = { kind: 'message', chat: 'c', id: '1', text: 'hé@/<llo', at: 0 };
const path = () => `/webhooks/telegram/${encodeURIComponent(bot)}`;

async function post(to: string, body: string | Uint8Array, headers: Readonly<Partial<Record<string, string>>>) {
  const response = await fetch(`${address}${to}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body as string,
  });
  return { status: response.status, text: await response.text() };
}

const stored = () =>
  world.ask('select kind, state, body from webhook_inbox where account_key = $1 order by seq', [bot]);
const sign = (body: string | Uint8Array, secret = SECRET): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('a platform that repeats a token', () => {
  test('events are stored before the answer, which repeats nothing of the request', async () => {
    const answer = await post(path(), JSON.stringify([UPDATE]), { 'x-talk-secret': 'right' });
    expect(answer).toEqual({ status: 200, text: '{}' });
    expect(await stored()).toEqual([{ kind: 'message', state: 'waiting', body: UPDATE }]);
    await waitFor(() => world.enqueued.length === 1, { what: 'the hint' });
    expect(world.enqueued).toMatchObject([{ kind: 'webhook.process', userId: account.userId }]);
  });

  test.each([
    ['a wrong token', { 'x-talk-secret': 'wrong' }],
    ['no token', {}],
    ['an empty token', { 'x-talk-secret': '' }],
  ])('%s is refused, and nothing is stored', async (_name, headers) => {
    const answer = await post(path(), JSON.stringify([UPDATE]), headers);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'webhook.unproven' });
    expect(await stored()).toEqual([]);
  });

  test('an account without a webhook takes nothing', async () => {
    await world.ask(`update event_receivers set secret_hash = null where account_key = $1`, [bot]);
    expect((await post(path(), '[]', { 'x-talk-secret': 'right' })).status).toBe(403);
  });

  test('a new secret counts at once', async () => {
    expect((await post(path(), '[]', { 'x-talk-secret': 'right' })).status).toBe(200);
    await world.ask(`update event_receivers set secret_hash = $2 where account_key = $1`, [bot, sha256('new')]);
    expect((await post(path(), '[]', { 'x-talk-secret': 'new' })).status).toBe(200);
  });

  test('a proven body that is not what we know is stored as it came', async () => {
    expect((await post(path(), '{"surprise":1}', { 'x-talk-secret': 'right' })).status).toBe(200);
    expect(await stored()).toEqual([{ kind: 'unread', state: 'waiting', body: { surprise: 1 } }]);
  });

  test.each([
    ['what is no JSON', '{"a":'],
    ['what is nested without end', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
  ])('%s is refused although it is proven', async (_name, body) => {
    const { status } = await post(path(), body, { 'x-talk-secret': 'right' });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(await stored()).toEqual([]);
  });

  test('a body beyond the platform’s size is refused', async () => {
    const { status } = await post(path(), `["${'x'.repeat(70_000)}"]`, { 'x-talk-secret': 'right' });
    expect(status).toBe(413);
  });

  test('ids past 2^53 stay exact', async () => {
    await post(path(), '[{"kind":"something","chat":"c","id":9007199254740993,"at":1}]', { 'x-talk-secret': 'right' });
    expect(await stored()).toMatchObject([{ body: { id: '9007199254740993' } }]);
  });

  test('many at once are all stored, each once', async () => {
    const bodies = Array.from({ length: 300 }, (_, n) => JSON.stringify([{ ...UPDATE, id: String(n % 250) }]));
    const answers = await Promise.all(bodies.map((body) => post(path(), body, { 'x-talk-secret': 'right' })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await stored()).toHaveLength(250);
  });
});

describe('a platform that signs', () => {
  test('the signature is over the bytes as they came', async () => {
    // As Meta writes it: what JSON.stringify would never write again.
    const body = String.raw`[{"kind":"message","chat":"c","id":"1","text":"h\u00e9\u0040\/\u003cllo","at":0}]`;
    expect((await post('/webhooks/whatsapp/app1', body, { 'x-hub-signature-256': sign(body) })).status).toBe(200);
    expect(await stored()).toMatchObject([{ body: UPDATE }]);
  });

  test.each([
    ['a signature under another secret', (body: string) => ({ 'x-hub-signature-256': sign(body, 'another-secret') })],
    ['a signature of other bytes', () => ({ 'x-hub-signature-256': sign('[]') })],
    ['a signature without its prefix', (body: string) => ({ 'x-hub-signature-256': sign(body).slice(7) })],
    ['a signature cut short', (body: string) => ({ 'x-hub-signature-256': sign(body).slice(0, -2) })],
    ['no signature', () => ({})],
  ] as const)('%s is refused', async (_name, headersOf) => {
    const body = JSON.stringify([UPDATE]);
    const { status, text } = await post('/webhooks/whatsapp/app1', body, headersOf(body));
    expect(status).toBe(403);
    expect(text).not.toContain('sha256=');
    expect(await stored()).toEqual([]);
  });

  test('an app that nobody stored takes nothing', async () => {
    expect((await post('/webhooks/whatsapp/app2', '[]', { 'x-hub-signature-256': sign('[]') })).status).toBe(403);
  });

  test('the secret is opened once, not for each webhook', async () => {
    for (let n = 0; n < 5; n += 1) await post('/webhooks/whatsapp/app1', '[]', { 'x-hub-signature-256': sign('[]') });
    expect(openings).toBe(1);
  });

  const ask = (query: Record<string, string>) =>
    fetch(`${address}/webhooks/whatsapp/app1?${new URLSearchParams(query).toString()}`);
  const QUESTION = { 'hub.mode': 'subscribe', 'hub.verify_token': VERIFY, 'hub.challenge': '1158201444' };

  test('the handshake is answered with the challenge as plain text', async () => {
    const response = await ask(QUESTION);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toBe('1158201444');
  });

  test.each([
    ['a wrong token', { 'hub.verify_token': 'x' }],
    ['another mode', { 'hub.mode': 'unsubscribe' }],
  ])('a handshake with %s is refused', async (_name, over) => {
    const response = await ask({ ...QUESTION, ...over });
    expect(response.status).toBe(403);
    expect(await response.text()).not.toContain('1158201444');
  });

  test('the worker cannot read the apps, and the secret opens for its own app only', async () => {
    const worker = database.open('tidemark_worker', 1);
    await expect(worker.query('select * from webhook_apps')).rejects.toMatchObject({ code: 'db.forbidden' });
    await world.ask(`insert into webhook_apps select platform_id, 'moved', sealed_secret, sealed_data_key, webhook_key_id,
      verify_token_hash from webhook_apps where app_id = 'app1' on conflict do nothing`);
    const { status } = await post('/webhooks/whatsapp/moved', '[]', { 'x-hub-signature-256': sign('[]') });
    expect(status).toBeGreaterThanOrEqual(400);
  });
});
