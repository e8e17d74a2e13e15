// What a wrong or hostile connector, or the platform behind it, cannot do. Each attack runs through the real runner, store and
// http client beside an honest tenant: it is stopped, named in the run, and the honest tenant's rows stay as they were.

import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { asking, createEvilWorld, platformAnswers } from '../support/evil-world.ts';
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
    const ran = await world.attack(asking(), deps);
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
    expect((await world.attack(asking(), deps)).text).toMatch(/http\.body_(too_large|invalid)/);
  });

  test('that trickle for ever run into the time limit', async () => {
    const deps = await platformAnswers((response) => void response.writeHead(200).write('['));
    expect((await world.attack(asking({ timeoutMs: 200 }), deps)).text).toContain('http.timeout');
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
    expect((await world.attack(asking(), deps)).text).toContain('http.redirect_denied');
  });

  test('a redirect to another host carries the credential nowhere', async () => {
    const thief = await serve((response) => response.end('[]'));
    const deps = await platformAnswers((response) =>
      response.writeHead(307, { location: `${thief.origin}/collect` }).end(),
    );
    const ran = await world.attack(asking(), deps);
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
    const ran = await world.attack(asking({ url }), deps);
    expect(ran.text).toContain('http.egress_denied');
    expect(ran.text).not.toContain('user:word');
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
    expect(ran.text).toContain('sync.cursor_stuck');
  });

  test('a page without end, or with more records than a page may hold, is refused', async () => {
    const records = Array.from({ length: 10_001 }, (_, n) => ({ id: `n${n}` }));
    expect((await world.attack(listed([records]))).text).toContain('sync.page_invalid');
    const endless = {
      *[Symbol.iterator](): Generator<unknown> {
        for (;;) yield { id: uuidv7() };
      },
    };
    expect((await world.attack(listed([endless as unknown as unknown[]]))).text).toContain('sync.page_invalid');
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
