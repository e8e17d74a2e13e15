// What a wrong or hostile connector, or the platform behind it, cannot do. Each attack runs through the real runner, store and
// http client beside an honest tenant: it is stopped, named in the run, and the honest tenant's rows stay as they were.

import type { ServerResponse } from 'node:http';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { AppError } from '../../src/core/errors.ts';
import { asking, createEvilWorld, expectStopped, over, platformAnswers } from '../support/evil-world.ts';
import type { SyncRunDeps } from '../../src/sync/runner.ts';
import { serve } from '../support/loopback.ts';
import { listed, pageOf, type Read } from '../support/sync-world.ts';

const MIB = 1024 * 1024;
const world = createEvilWorld();

describe('records', () => {
  test('that hold SQL are text, whichever column they come in', async () => {
    const sqlTexts = [
      `'; set role tidemark_owner; --`,
      `x'); select set_config('app.user_id', '${world.honest.userId}', false); --`,
      `$$; set local app.lease_token = '${world.honest.userId}'; $$`,
      `\\'; drop table proposals cascade; --`,
      `"; reset role; "`,
    ];
    const records = sqlTexts.map((text) => ({ id: text, text, status: 'submitted' }));
    expect(await world.attack(listed([records]))).toMatchObject({ status: 'success', errors: [] });
    const rows = await world.evil.proposals();
    expect(rows.map((row) => row['upwork_proposal_id'])).toEqual(expect.arrayContaining(sqlTexts));
    expect(rows.every((row) => row['user_id'] === world.evil.userId)).toBe(true);
  });

  test('that claim to be of another tenant are stored under their own', async () => {
    const claims = {
      user_id: world.honest.userId,
      integration_id: world.honest.integrationId,
      userId: world.honest.userId,
    };
    await world.attack(listed([[{ id: 'a', text: 'stolen', ...claims }]]));
    const rows = await world.database.asSuperuser(
      'select user_id, integration_id from proposals where cover_letter = $1',
      ['stolen'],
    );
    expect(rows).toEqual([{ user_id: world.evil.userId, integration_id: world.evil.integrationId }]);
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
    const ran = await world.attack(
      listed([[...ids.map((id) => ({ id })), { id: 7 }, null, 'text', [], { id: {} }, { id: '' }]]),
    );
    expect(ran.status).toBe('partial');
    const reasons = await world.database.asSuperuser<{ reason: string }>(
      'select reason from sync_quarantine where integration_id = $1 and length(reason) > 0',
      [world.evil.integrationId],
    );
    expect(reasons.length).toBeGreaterThanOrEqual(6);
    const stored = (await world.evil.proposals()).map((row) => row['upwork_proposal_id']);
    expect(stored).toEqual(expect.arrayContaining(['__proto__', 'constructor', `"quoted" 'twice'`]));
  });

  test('that would pollute prototypes change no object of the process', async () => {
    const json = `[{"id": "p1", "__proto__": {"polluted": 1, "isAdmin": true}},
      {"id": "p2", "constructor": {"prototype": {"polluted": 1}}}, {"__proto__": {"id": "p3"}}]`;
    const deps = await platformAnswers((response) => response.end(json));
    await world.attack(asking(), deps);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
    expect((await world.evil.proposals()).map((row) => row['upwork_proposal_id'])).toEqual(['p1', 'p2']);
  });

  test('that are nested without reason are quarantined, and the others of their page are stored', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const deps = await platformAnswers((response) => response.end(`[{"id": 7, "deep": ${deep}}, {"id": "good"}]`));
    expect(await world.attack(asking(), deps)).toMatchObject({ status: 'partial', errors: [] });
    expect((await world.evil.proposals()).map((row) => row['upwork_proposal_id'])).toEqual(['good']);
  });
});

describe('answers', () => {
  /** Writes `chunk` until a gigabyte is sent or nobody listens; says how much was. */
  function flood(response: ServerResponse, chunk: Buffer, told: { sent: number }): void {
    const more = (): void => {
      while (told.sent < 1024 * MIB && !response.destroyed) {
        told.sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
    };
    more();
  }
  const maxMemory = (): number => process.resourceUsage().maxRSS * 1024;

  test.for([
    ['the usual limit', undefined],
    ['a limit of its own that is none', Number.NaN],
    ['a limit of its own without end', Infinity],
  ] as const)('of a gigabyte end where the limit is, long before they are over: %s', async ([, maxBytes]) => {
    const told = { sent: 0 };
    const deps = await platformAnswers((response) => flood(response, Buffer.alloc(MIB, 'x'), told));
    const before = maxMemory();
    expectStopped(await world.attack(asking(maxBytes === undefined ? {} : { maxBytes }), deps), 'http.body_too_large');
    expect(told.sent).toBeLessThan(128 * MIB);
    expect(maxMemory() - before).toBeLessThan(384 * MIB);
  });

  test('that would unpack to a terabyte are left after the first megabytes', async () => {
    const member = gzipSync(Buffer.alloc(64 * MIB), { level: 1 });
    const told = { sent: 0 };
    const deps = await platformAnswers((response) =>
      flood(response.writeHead(200, { 'content-encoding': 'gzip' }), member, told),
    );
    const before = maxMemory();
    expectStopped(await world.attack(asking(), deps), 'http.body_too_large');
    expect(told.sent).toBeLessThan(16 * MIB);
    expect(maxMemory() - before).toBeLessThan(384 * MIB);
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
    expectStopped(await world.attack(asking(), deps), 'http.body_too_large');
  });

  test('that trickle for ever run into the time limit', async () => {
    const deps = await platformAnswers((response) => {
      const drip = setInterval(() => response.write(' '), 5);
      response.writeHead(200).once('close', () => clearInterval(drip));
    });
    expectStopped(await world.attack(asking({ timeoutMs: 200 }), deps), 'http.timeout');
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
    expectStopped(await world.attack(asking(), deps), 'http.redirect_denied');
  });

  test('a redirect to another host carries the credential nowhere', async () => {
    const thief = await serve((response) => response.end('[]'));
    const deps = await platformAnswers((response) =>
      response.writeHead(307, { location: `${thief.origin}/collect` }).end(),
    );
    const ran = await world.attack(asking(), deps);
    expectStopped(ran, 'http.redirect_denied');
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
    const ran = await world.attack(asking({ url }), deps);
    expectStopped(ran, 'http.egress_denied');
    expect(ran.text).not.toContain('user:word');
  });

  test.for(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::ffff:168.63.129.16', 'fd00:ec2::254'])(
    'a name of its own that resolves to %s is refused',
    async (address) => {
      const deps = over(undefined, (_, __, callback) => process.nextTick(callback, null, [{ address, family: 4 }]));
      expectStopped(await world.attack(asking(), deps), 'http.egress_denied');
    },
  );

  test('a host in a header reaches no other host', async () => {
    const platform = await serve((response) => response.end('[]'));
    const ran = await world.attack(asking({ headers: { Host: 'internal.test' } }), over(platform.origin));
    expectStopped(ran, 'http.egress_denied');
    expect(platform.asked).toEqual([]);
  });

  test('a connector sees no database, queue or vault', async () => {
    let seen: readonly string[] = [];
    await world.attack(async function* (_, context) {
      seen = Object.keys(context).sort();
      yield pageOf([], 1);
    });
    expect(seen).toEqual(['clock', 'credential', 'egressId', 'http', 'log', 'settings', 'signal']);
  });
});

describe('sources without end', () => {
  test('a cursor that never advances is noticed', async () => {
    const ran = await world.attack(async function* () {
      for (;;) yield pageOf([{ id: 'same' }], 1);
    });
    expectStopped(ran, 'sync.cursor_stuck');
  });

  test('a cursor that goes in circles is noticed', async () => {
    const read: Read = async function* () {
      for (let n = 0; ; n++) yield pageOf([{ id: `n${n}` }], n % 3);
    };
    expectStopped(await world.attack(read), 'sync.cursor_stuck');
  });

  test.for<[string, Read]>([
    [
      'yields the same page without a cursor',
      async function* () {
        for (;;) yield pageOf([{ id: 'same' }]);
      },
    ],
    [
      'never yields and hears no signal',
      async function* () {
        yield pageOf([{ id: 'same' }]);
        await new Promise(() => undefined);
      },
    ],
  ])('one that %s ends with the time of its job', async ([, read]) => {
    const job = new AbortController();
    let pages = 0;
    const onStep: SyncRunDeps['onStep'] = (step) => {
      if (step !== 'page.committed' || ++pages > 1) return;
      setImmediate(() => job.abort(new AppError('queue.job_timeout', 'expected the job to end in time')));
    };
    expectStopped(await world.attack(read, { onStep }, { signal: job.signal }), 'queue.job_timeout');
  });

  test('meanwhile the honest tenant syncs', async () => {
    const ran = await world.attack(async function* () {
      for (let n = 0; ; n++) {
        yield pageOf([{ id: 'same' }], 1);
        if (n === 2) await world.syncHonest();
      }
    });
    expectStopped(ran, 'sync.cursor_stuck');
  });

  test.for<[string, unknown]>([
    ['not a number', { done: Number.NaN, total: 1 }],
    ['less than nothing', { done: 1, total: -1 }],
    ['a text', { done: 'half\0', total: null }],
    ['nothing', null],
  ])('progress that is %s is refused', async ([, progress]) => {
    const ran = await world.attack(async function* () {
      yield { ...pageOf([{ id: 'a' }], 1), progress: progress as { done: number; total: number } };
    });
    expectStopped(ran, 'sync.page_invalid');
  });

  test('a page without end, or with more records than a page may hold, is refused', async () => {
    const records = Array.from({ length: 10_001 }, (_, n) => ({ id: `n${n}` }));
    expectStopped(await world.attack(listed([records])), 'sync.page_invalid');
    const endless = {
      *[Symbol.iterator](): Generator<unknown> {
        for (;;) yield { id: uuidv7() };
      },
    };
    expectStopped(await world.attack(listed([endless as unknown as unknown[]])), 'sync.page_invalid');
  });

  test('pages without end become slices that end', async () => {
    let n = 0;
    const read: Read = async function* () {
      for (;;) yield pageOf([], ++n);
    };
    expect(await world.attack(read, { config: { sliceMs: 50, egressId: 'test' } })).toMatchObject({
      status: 'waiting',
    });
  });
});
