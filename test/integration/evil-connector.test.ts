// What a wrong or hostile connector, or the platform behind it, cannot do. Each attack runs through the real runner, store and
// http client beside an honest tenant: it is stopped, named in the run, and the honest tenant's rows stay as they were.

import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError, reportOf } from '../../src/core/errors.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import { createHttpClient } from '../../src/http/client.ts';
import { createEgressPolicy } from '../../src/http/egress.ts';
import type { HttpRequest } from '../../src/http/http-client.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import type { SyncRunDeps } from '../../src/sync/runner.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { OPEN_RULE } from '../support/http.ts';
import { serve, type Answer } from '../support/loopback.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, listed, pageOf, type Read, type SyncWorld } from '../support/sync-world.ts';

const TOKEN = 'canary-t0ken-0123456789';
const MIB = 1024 * 1024;

let database: TestDatabase;
let honest: SyncWorld;
let evil: SyncWorld;
let before: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const worker = database.open('tidemark_worker', 8);
  honest = await createSyncWorld(database, { worker });
  await honest.sync(listed([[{ id: 'a', text: 'mine' }, { id: 'b' }]]));
  before = await rowsOf(honest);
});

/** All that the honest tenant has, whichever table holds it. */
async function rowsOf({ userId }: SyncWorld): Promise<string> {
  const tables = await database.asSuperuser<{ name: string; key: string }>(
    `select c.table_name as name, case c.table_name when 'users' then 'id' else 'user_id' end as key
     from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and t.table_type = 'BASE TABLE'
       and (c.column_name = 'user_id' or (c.table_name = 'users' and c.column_name = 'id'))
     order by 1`,
  );
  const rows = [];
  for (const { name, key } of tables)
    rows.push(
      await database.asSuperuser(`select '${name}' as "table", t.* from ${name} t where ${key} = $1 order by t`, [
        userId,
      ]),
    );
  return JSON.stringify(rows);
}

afterEach(async () => {
  expect(await rowsOf(honest)).toBe(before);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

interface Ran {
  readonly status: unknown;
  /** Code and message of every error of the run. */
  readonly errors: readonly { readonly code: string; readonly message: string }[];
  readonly text: string;
}

/** One run of a new tenant with this connector. An error that the consumer would repeat is told beside the run. */
async function attack(read: Read, deps: Partial<SyncRunDeps> = {}): Promise<Ran> {
  evil = await createSyncWorld(database, { worker: honest.worker });
  const runId = await evil.addRun();
  const thrown = await evil
    .handler(
      read,
      deps,
    )(await evil.claim(runId))
    .then(() => null, reportOf);
  const run = await evil.run(runId);
  return { status: run['status'], errors: run['errors'] as Ran['errors'], text: JSON.stringify([run, thrown]) };
}

/** The real client; the evil platform on loopback stands in for `platform.test`. */
function over(origin: string): Partial<SyncRunDeps> {
  const client = createHttpClient({
    governor: createMemoryGovernor({ clock: systemClock }),
    egress: createEgressPolicy(),
    clock: systemClock,
    log: silentLog,
    baseUrls: { small: origin },
    userAgent: 'tidemark-test',
    random: () => 0,
  });
  return { httpFor: (scope) => client({ ...scope, platform: 'small' }) };
}

const asking = (request: Partial<HttpRequest> = {}): Read =>
  async function* (_, { http, signal }) {
    const headers = { authorization: new Secret(`Bearer ${TOKEN}`) };
    const charges = [{ rule: OPEN_RULE, key: 'evil' }];
    const asked = {
      method: 'GET',
      url: 'https://platform.test/items',
      headers,
      charges,
      attempts: 1,
      ...request,
    } as const;
    const { text } = await http.request(asked, signal);
    yield pageOf(JSON.parse(text) as unknown[], 1);
  };

async function platformAnswers(answer: Answer): Promise<Partial<SyncRunDeps>> {
  return over((await serve(answer)).origin);
}

describe('records', () => {
  test('that hold SQL are text, whichever column they come in', async () => {
    const sqlTexts = [
      `'; set role tidemark_owner; --`,
      `x'); select set_config('app.user_id', '${honest.userId}', false); --`,
      `$$; set local app.lease_token = '${honest.userId}'; $$`,
      `\\'; drop table proposals cascade; --`,
      `"; reset role; "`,
    ];
    const records = sqlTexts.map((text) => ({ id: text, text, status: 'submitted' }));
    expect(await attack(listed([records]))).toMatchObject({ status: 'success', errors: [] });
    const rows = await evil.proposals();
    expect(rows.map((row) => row['upwork_proposal_id'])).toEqual(expect.arrayContaining(sqlTexts));
    expect(rows.every((row) => row['user_id'] === evil.userId)).toBe(true);
  });

  test('that claim to be of another tenant are stored under their own', async () => {
    const claims = { user_id: honest.userId, integration_id: honest.integrationId, userId: honest.userId };
    await attack(listed([[{ id: 'a', text: 'stolen', ...claims }]]));
    const rows = await database.asSuperuser('select user_id, integration_id from proposals where cover_letter = $1', [
      'stolen',
    ]);
    expect(rows).toEqual([{ user_id: evil.userId, integration_id: evil.integrationId }]);
  });

  test('with crafted identifiers are stored whole or quarantined with their reason', async () => {
    const ids = [
      '__proto__',
      'constructor',
      'nul\0nul',
      'half \ud800',
      `"quoted" 'twice'`,
      'k'.repeat(10_000),
      '\u202e',
      ' ',
    ];
    const ran = await attack(
      listed([[...ids.map((id) => ({ id })), { id: 7 }, null, 'text', [], { id: {} }, { id: '' }]]),
    );
    expect(ran.status).toBe('partial');
    const reasons = await database.asSuperuser<{ reason: string }>(
      'select reason from sync_quarantine where integration_id = $1 and length(reason) > 0',
      [evil.integrationId],
    );
    expect(reasons.length).toBeGreaterThanOrEqual(6);
    const stored = (await evil.proposals()).map((row) => row['upwork_proposal_id']);
    expect(stored).toEqual(expect.arrayContaining(['__proto__', 'constructor', `"quoted" 'twice'`]));
  });

  test('that would pollute prototypes change no object of the process', async () => {
    const json = `[{"id": "p1", "__proto__": {"polluted": 1, "isAdmin": true}},
      {"id": "p2", "constructor": {"prototype": {"polluted": 1}}}, {"__proto__": {"id": "p3"}}]`;
    const deps = await platformAnswers((response) => response.end(json));
    await attack(asking(), deps);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });
});

describe('answers', () => {
  test('of a gigabyte end where the limit is, long before they are over', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(MIB, 'x');
    const deps = await platformAnswers((response) => {
      const more = (): void => {
        while (sent < 1024 * MIB && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
      };
      more();
    });
    const ran = await attack(asking(), deps);
    expect(ran.text).toContain('http.body_too_large');
    expect(sent).toBeLessThan(128 * MIB);
  });

  const zeros = Buffer.alloc(48 * MIB);
  test.for([
    ['gzip', () => gzipSync(zeros, { level: 1 })],
    ['br', () => brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ['deflate', () => deflateSync(zeros, { level: 1 })],
  ] as const)('that unpack to many times their size (%s) are refused', async ([encoding, pack]) => {
    const bomb = pack();
    expect(bomb.length).toBeLessThan(MIB);
    const deps = await platformAnswers((response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
    );
    expect((await attack(asking(), deps)).text).toMatch(/http\.body_(too_large|invalid)/);
  });

  test('that trickle for ever run into the time limit', async () => {
    const deps = await platformAnswers((response) => void response.writeHead(200).write('['));
    expect((await attack(asking({ timeoutMs: 200 }), deps)).text).toContain('http.timeout');
  });
});

describe('ways out', () => {
  test.for([
    ['link-local', 'http://169.254.169.254/latest/meta-data/'],
    ['loopback', 'http://127.0.0.1:1/'],
    ['loopback by name', 'http://localhost:1/'],
    ['another scheme', 'file:///etc/passwd'],
  ])('a redirect to %s is refused', async ([, location]) => {
    const deps = await platformAnswers((response) => response.writeHead(302, { location }).end());
    expect((await attack(asking(), deps)).text).toContain('http.redirect_denied');
  });

  test('a redirect to another host carries the credential nowhere', async () => {
    const thief = await serve((response) => response.end('[]'));
    const deps = await platformAnswers((response) =>
      response.writeHead(307, { location: `${thief.origin}/collect` }).end(),
    );
    const ran = await attack(asking(), deps);
    expect(ran.text).toContain('http.redirect_denied');
    expect(thief.asked).toEqual([]);
  });

  test.for([
    ['with credentials in it', 'https://user:word@platform.test/items'],
    ['of another host', 'https://elsewhere.test/items'],
    ['without TLS', 'http://platform.test/items'],
    ['of an address', 'https://169.254.169.254/latest'],
    ['of another port', 'https://platform.test:8443/items'],
    ['that is none', 'not a url'],
  ])('an address %s is refused', async ([, url]) => {
    const deps = await platformAnswers((response) => response.end('[]'));
    const ran = await attack(asking({ url }), deps);
    expect(ran.text).toContain('http.egress_denied');
    expect(ran.text).not.toContain('user:word');
  });

  test('a connector sees no database, queue or vault', async () => {
    let seen: readonly string[] = [];
    await attack(async function* (_, context) {
      seen = Object.keys(context).sort();
      yield pageOf([], 1);
    });
    expect(seen).toEqual(['clock', 'credential', 'egressId', 'http', 'log', 'settings', 'signal']);
  });
});

describe('sources without end', () => {
  test('a cursor that never advances is noticed', async () => {
    const ran = await attack(async function* () {
      for (;;) yield pageOf([{ id: 'same' }], 1);
    });
    expect(ran.text).toContain('sync.cursor_stuck');
  });

  test('a page without end, or with more records than a page may hold, is refused', async () => {
    const records = Array.from({ length: 10_001 }, (_, n) => ({ id: `n${n}` }));
    expect((await attack(listed([records]))).text).toContain('sync.page_invalid');
    const endless = {
      *[Symbol.iterator](): Generator<unknown> {
        for (;;) yield { id: uuidv7() };
      },
    };
    expect((await attack(listed([endless as unknown as unknown[]]))).text).toContain('sync.page_invalid');
  });

  test('pages without end become slices that end', async () => {
    let n = 0;
    const read: Read = async function* () {
      for (;;) yield pageOf([], ++n);
    };
    expect(await attack(read, { config: { sliceMs: 50, egressId: 'test' } })).toMatchObject({ status: 'waiting' });
  });
});

describe('errors', () => {
  test.for<[string, () => unknown]>([
    ['text', () => `no error ${TOKEN.length}`],
    ['undefined', () => undefined],
    ['an object', () => ({ toString: null })],
    [
      'one that lies about itself',
      () => Object.assign(new Error('x'), { code: 'db.forbidden', kind: 'conflict', stack: null }),
    ],
    ['one with a huge message', () => new Error('x'.repeat(5 * MIB))],
  ])('that are %s end the attempt under a code of ours', async ([, make]) => {
    const ran = await attack(async function* () {
      yield pageOf([], 1);
      throw make();
    });
    expect(ran.text).toContain('"code":"internal"');
    expect(ran.text.length).toBeLessThan(100_000);
  });
});

describe('a credential', () => {
  const credentials: SyncRunDeps['credentials'] = () => ({
    current: () => Promise.resolve(new Secret<unknown>({ access_token: TOKEN, nested: [{ key: `${TOKEN}"quoted` }] })),
    renew: () => Promise.reject(new Error('never')),
  });

  test.for([
    ['plain', (token: string) => new AppError('platform.unavailable', `no: ${token}`)],
    ['in details', (token: string) => new AppError('platform.unavailable', 'no', { details: { sent: { token } } })],
    ['encoded', (token: string) => new Error(`no: ${Buffer.from(token).toString('base64')}`)],
    ['in a JSON text', (token: string) => new Error(`no: ${JSON.stringify({ key: `${token}"quoted` })}`)],
    ['in the cause', (token: string) => new AppError('platform.unavailable', 'no', { cause: new Error(token) })],
  ] as const)('that a connector puts into an error (%s) is written nowhere', async ([, make]) => {
    const read: Read = async function* (_, { credential }) {
      const { access_token: token } = (await credential.current()).reveal() as { access_token: string };
      yield { ...pageOf([{ id: 'a' }], 1), problems: [reportOf(make(token))] };
      throw make(token);
    };
    const ran = await attack(read, { credentials });
    expect(ran.text).toContain('no');
    for (const form of [TOKEN, Buffer.from(TOKEN).toString('base64')]) expect(ran.text).not.toContain(form);
  });
});

test('afterwards the honest tenant syncs as before', async () => {
  expect(JSON.stringify((await honest.proposals()).map((row) => row['cover_letter']))).toBe('["mine",null]');
  before = await rowsOf(honest);
});
