// Notifications of a platform: what they begin, what they cost, and what nobody learns by them.

import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ozon } from '../../src/connectors/ozon/index.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { addIntegration, pauseIntegration, type NewIntegration } from '../../src/store/integrations.ts';
import { addUser } from '../../src/store/users.ts';
import { officialNotifications } from '../simulators/ozon/official-notifications.ts';
import { apiQueue, openApi } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { createRecordingLog } from '../support/scheduling.ts';
import { skipUnless } from '../support/skip.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const log = createRecordingLog();
let lateMs = 0;
const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + lateMs) };
const { address } = await openApi(db, apiQueue(db, engine.driver), { whenOver: afterAll, log, deps: { log, clock } });

const STREAMS = ozon.streams.map(({ name, defaultIntervalMinutes }) => ({
  name,
  intervalMinutes: defaultIntervalMinutes,
}));

async function arrange(over: Partial<NewIntegration> = {}): Promise<string> {
  const { id } = await db.tx({ kind: 'ops' }, async (tx) => {
    const user = await addUser(tx, { email: `${uuidv7()}@example.test`, name: 'Ada' });
    const account = { userId: user.id, platformId: 'ozon', externalAccountId: '4711', status: 'connected' } as const;
    return await addIntegration(tx, { ...account, settings: {}, streams: STREAMS, now: clock.now(), ...over });
  });
  return id;
}

const post = (path: string, body: string, type = 'application/json'): Promise<Response> =>
  fetch(`${address}${path}`, { method: 'POST', headers: { 'content-type': type }, body });

async function push(integrationId: string, body: unknown, platform = 'ozon') {
  const response = await post(`/webhooks/${platform}/${integrationId}`, JSON.stringify(body));
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

interface StoredRun {
  readonly stream: string;
  readonly status: string;
  readonly trigger: string;
  readonly sync_type: string;
  readonly class: number;
}

const runsOf = (id: string): Promise<readonly StoredRun[]> =>
  engine.asSuperuser<StoredRun>(
    'select stream, status, trigger, sync_type, class from sync_logs where integration_id = $1 order by stream, created_at',
    [id],
  );

const jobsOf = async (id: string): Promise<number> =>
  (
    await engine.asSuperuser(
      `select from job_ledger where kind = 'sync.run' and unique_key in (select id::text from sync_logs where integration_id = $1)`,
      [id],
    )
  ).length;

const isRunning = (id: string): Promise<unknown> =>
  engine.asSuperuser(`update sync_logs set status = 'running', started_at = now() where integration_id = $1`, [id]);

const hasEnded = (id: string): Promise<unknown> =>
  engine.asSuperuser(
    `update sync_logs set status = 'success', started_at = now(), completed_at = now() where integration_id = $1`,
    [id],
  );

const nextSync = async (id: string, stream: string): Promise<Date> =>
  (
    await engine.asSuperuser<{ at: Date }>(
      'select next_sync_at as at from integration_streams where integration_id = $1 and stream = $2',
      [id, stream],
    )
  )[0]!.at;

const posting = (over: object = {}) => ({
  message_type: 'TYPE_NEW_POSTING',
  posting_number: '71-0001-1',
  seller_id: 4711,
  ...over,
});

beforeEach(() => {
  lateMs = 0;
});

describe('a notification', () => {
  test('that only asks is answered with name, version and time', async () => {
    const id = await arrange();
    const asked = { message_type: 'TYPE_PING', time: '2026-11-27T10:00:00Z' };
    const { status, body } = await push(id, asked);
    expect([status, Object.keys(body).toSorted(), body['name']]).toEqual([
      200,
      ['name', 'time', 'version'],
      'Tidemark',
    ]);
    expect(Math.abs(Date.parse(body['time'] as string) - Date.now())).toBeLessThan(60_000);
    expect(await runsOf(id)).toEqual([]);
  });

  test('enqueues a pull of the streams that its kind hints at, behind people who wait', async () => {
    const id = await arrange();
    expect(await push(id, posting())).toEqual({ status: 200, body: { result: true } });
    const talk = { message_type: 'TYPE_NEW_MESSAGE', seller_id: '4711', chat_id: 'c-1', data: ['hello'] };
    expect(await push(id, talk)).toEqual({ status: 200, body: { result: true } });
    const pull = { status: 'queued', trigger: 'webhook', class: 1 };
    expect(await runsOf(id)).toMatchObject([
      { stream: 'chat_messages', ...pull },
      { stream: 'chats', ...pull },
      { stream: 'fbs_postings', ...pull },
    ]);
    expect(await jobsOf(id)).toBe(3);
  });

  test('is believed in nothing but its kind', async () => {
    const id = await arrange();
    const over = {
      stream: 'finance',
      streams: ['finance'],
      sync_type: 'full',
      workClass: 'interactive',
      user_id: uuidv7(),
    };
    await engine.asSuperuser(`update integration_streams set cursor = '{"v":1}' where integration_id = $1`, [id]);
    expect((await push(id, posting(over))).status).toBe(200);
    expect(await runsOf(id)).toMatchObject([{ stream: 'fbs_postings', sync_type: 'incremental', class: 1 }]);
  });

  test('every kind hints at streams that there are', () => {
    const names = new Set(STREAMS.map(({ name }) => name));
    for (const kind of [
      'NEW_POSTING',
      'STOCKS_CHANGED',
      'PRICE_INDEX_CHANGED',
      'CREATE_ITEM',
      'CHAT_CLOSED',
      'FBO_POSTING_NEW',
    ]) {
      const { streams, isKnown } = ozon.push!.read({ message_type: `TYPE_${kind}`, seller_id: 1 })!;
      expect([kind, isKnown, streams.length > 0, streams.every((stream) => names.has(stream))]).toEqual([
        kind,
        true,
        true,
        true,
      ]);
    }
  });

  test('of a kind that nobody knows is acknowledged and counted', async () => {
    const id = await arrange();
    const unknown = { message_type: 'TYPE_OF_TOMORROW', seller_id: 4711 };
    for (let i = 0; i < 5; i++) expect(await push(id, unknown)).toEqual({ status: 200, body: { result: true } });
    const noted = log.events.filter(({ event }) => event === 'push.unknown_kind');
    expect(noted.map(({ fields }) => fields)).toEqual([{ platform: 'ozon', kind: 'TYPE_OF_TOMORROW', count: 1 }]);
    expect(await runsOf(id)).toEqual([]);
  });

  test('as the document shows it is accepted, of every kind', async (context) => {
    const examples = officialNotifications();
    skipUnless(context, examples !== undefined, 'needs the document of Ozon beside the project');
    expect(examples.length).toBeGreaterThan(12);
    for (const example of examples) {
      const id = await arrange({ externalAccountId: String(example['seller_id']) });
      const kind = String(example['message_type']);
      expect([kind, await push(id, example)]).toEqual([kind, { status: 200, body: { result: true } }]);
      // One example has the word `string` for its kind.
      if (kind.startsWith('TYPE_')) expect(await runsOf(id), kind).not.toEqual([]);
    }
  });
});

describe('a flood', () => {
  test('of 200 hints is one run under way and one pending run of each stream', async () => {
    const id = await arrange();
    await push(id, posting());
    await isRunning(id);
    lateMs = 120_000;
    const answers = await Promise.all(Array.from({ length: 200 }, () => push(id, posting())));
    for (const { status } of answers) expect([200, 429]).toContain(status);
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    expect(await runsOf(id)).toMatchObject([
      { stream: 'fbs_postings', status: 'running' },
      { stream: 'fbs_postings', status: 'pending' },
    ]);
    expect(await jobsOf(id)).toBe(1);
  });

  test('that outlives its runs begins no more than one a minute, and is not lost', async () => {
    const id = await arrange();
    const at = clock.now().getTime();
    await engine.asSuperuser(`update integration_streams set next_sync_at = now() + interval '1 hour'`);
    await push(id, posting());
    await hasEnded(id);
    for (let i = 0; i < 20; i++) await push(id, posting());
    expect(await runsOf(id)).toHaveLength(1);
    const next = (await nextSync(id, 'fbs_postings')).getTime() - at;
    expect(next).toBeGreaterThan(59_000);
    expect(next).toBeLessThan(90_000);
    lateMs = 61_000;
    await push(id, posting());
    expect(await runsOf(id)).toHaveLength(2);
  });

  test('of streams that are read whole begins a tenth of their interval apart', async () => {
    const id = await arrange();
    const item = { message_type: 'TYPE_UPDATE_ITEM', seller_id: 4711 };
    await push(id, item);
    await hasEnded(id);
    lateMs = 10 * 60_000;
    await push(id, item);
    expect(await runsOf(id)).toHaveLength(1);
    lateMs = 19 * 60_000;
    await push(id, item);
    expect(await runsOf(id)).toHaveLength(2);
  });

  test('of one address for one integration is refused in time', async () => {
    const id = uuidv7();
    const statuses = new Map<number, number>();
    for (let i = 0; i < 620; i++) {
      const { status } = await push(id, posting());
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(statuses.get(429)).toBe(20);
    expect((await push(await arrange(), posting())).status).toBe(200);
  });
});

describe('nobody learns', () => {
  test('whether an integration is there, whose it is, or why it takes nothing', async () => {
    const ours = await arrange();
    const refused = [
      await push(uuidv7(), posting()),
      await push('no-uuid', posting()),
      await push(ours, posting({ seller_id: 4712 })),
      await push(ours, posting({ seller_id: '4712' })),
      await push(ours, posting(), 'upwork'),
      await push(ours, posting(), 'wildberries'),
      await push(ours, posting(), 'nowhere'),
      await push(await arrange({ externalAccountId: null }), posting()),
      await push(await arrange({ status: 'disconnected' }), posting()),
      await push(await arrange({ status: 'disconnected' }), { message_type: 'TYPE_PING' }),
      await push(await arrange({ platformId: 'upwork' }), posting()),
    ];
    const [first] = refused;
    expect(first).toMatchObject({ status: 404, body: { code: 'not_found' } });
    for (const answer of refused) expect(answer).toEqual(first);
    expect(await runsOf(ours)).toEqual([]);
  });

  test('anything by garbage, which is refused before anybody is looked up', async () => {
    const ours = await arrange();
    for (const [body, status] of [
      ['', 400],
      ['{', 400],
      ['[]', 400],
      ['null', 400],
      ['"TYPE_PING"', 400],
      ['{"message_type":7,"seller_id":4711}', 400],
      ['{"message_type":"TYPE_NEW_POSTING"}', 400],
      ['{"message_type":"TYPE_NEW_POSTING","seller_id":{"$ne":0}}', 400],
      ['{"message_type":"TYPE_NEW_POSTING","seller_id":1e400}', 400],
      [`{"message_type":"${'T'.repeat(101)}","seller_id":4711}`, 400],
      ['{"message_type":"TYPE_NEW_POSTING","seller_id":4711,"__proto__":{"a":1}}', 400],
      ['['.repeat(40) + ']'.repeat(40), 400],
      [JSON.stringify(posting({ pad: 'x'.repeat(64 * 1024) })), 413],
    ] as const) {
      const [known, unknown] = [
        await post(`/webhooks/ozon/${ours}`, body),
        await post(`/webhooks/ozon/${uuidv7()}`, body),
      ];
      expect([body.slice(0, 60), known.status]).toEqual([body.slice(0, 60), status]);
      expect([unknown.status, await unknown.text()]).toEqual([status, await known.text()]);
    }
    expect((await post(`/webhooks/ozon/${ours}`, 'a=b', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await fetch(`${address}/webhooks/ozon/${ours}`)).status).toBe(404);
    expect(await runsOf(ours)).toEqual([]);
  });

  test('by a notification of one tenant anything of another with the same shop', async () => {
    const [ours, theirs] = [await arrange(), await arrange()];
    expect((await push(ours, posting())).status).toBe(200);
    expect([(await runsOf(ours)).length, await runsOf(theirs)]).toEqual([1, []]);
  });

  test('what a notification said: neither logs, problems nor rows hold any of it', async () => {
    const id = await arrange();
    const secret = 'canary-7f3a9c';
    const said = { chat_id: secret, data: [secret], user: { id: secret }, posting_number: secret };
    await push(id, { message_type: 'TYPE_NEW_MESSAGE', seller_id: '4711', ...said });
    await push(id, { message_type: secret, seller_id: '4711', ...said });
    const wrong = await push(id, { message_type: secret, seller_id: secret, ...said });
    const garbage = await post(`/webhooks/ozon/${id}`, `{"message_type": ${secret}`);
    expect([wrong.status, garbage.status]).toEqual([404, 400]);
    const rows = await engine.asSuperuser(
      `select l::text as row from sync_logs l union all select j::text from job_ledger j
       union all select a::text from audit_logs a union all select s::text from security_logs s`,
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify([log.events, wrong, await garbage.text(), rows])).not.toContain(secret);
  });
});

describe('an integration that cannot run', () => {
  test('acknowledges, and nothing begins', async () => {
    const paused = await arrange();
    await db.tx({ kind: 'ops' }, (tx) => pauseIntegration(tx, paused, clock.now()));
    const broken = await arrange({ status: 'error' });
    const parked = await arrange();
    await engine.asSuperuser(
      `update integration_streams set status = 'parked', status_code = 'platform.scope_missing' where integration_id = $1`,
      [parked],
    );
    for (const id of [paused, broken, parked]) {
      expect(await push(id, posting())).toEqual({ status: 200, body: { result: true } });
      expect(await runsOf(id)).toEqual([]);
    }
  });
});
