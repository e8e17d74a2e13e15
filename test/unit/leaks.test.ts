import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeUsage } from '../../src/cli/exit.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { AppError } from '../../src/core/errors.ts';
import { hideOpaqueWords } from '../../src/core/opaque-words.ts';
import { issueText } from '../../src/core/schema-issues.ts';
import { Secret } from '../../src/core/secret.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createKnownSecrets } from '../../src/sync/known-secrets.ts';
import { quietHttp, quietLog } from '../../src/sync/quiet-context.ts';
import { searchFor } from '../support/canaries.ts';
import { NO_STREAM } from '../support/http.ts';

const TOKEN = 'k7Qm2Zp9Xw4Tn8Vb3Lc6Rd1H';
const search = searchFor([{ name: 'token', value: TOKEN }]);

const encodings = {
  whole: TOKEN,
  'cut off': TOKEN.slice(0, 14),
  'its end': TOKEN.slice(-13),
  base64: Buffer.from(TOKEN).toString('base64'),
  base64url: Buffer.from(TOKEN).toString('base64url'),
  'base64 of a header': Buffer.from(`u:${TOKEN}:`).toString('base64'),
  'base64 of a longer header': Buffer.from(`user: ${TOKEN}!`).toString('base64'),
  hex: Buffer.from(TOKEN).toString('hex'),
  'upper hex': Buffer.from(TOKEN).toString('hex').toUpperCase(),
};

describe('the search for canaries', () => {
  for (const [name, text] of Object.entries(encodings))
    test(`finds a token: ${name}`, () => {
      expect(search.find(`before ${text} after`)).toHaveLength(1);
    });

  test('finds nothing in other text', () => {
    expect(search.find('k7Qm2Zp9Xw4 is eleven characters')).toEqual([]);
  });
});

describe('a credential that a run has in hand', () => {
  const secrets = createKnownSecrets();
  secrets.learn(
    new Secret({ access_token: TOKEN, expires_at: '2026-11-27T10:00:00.000Z', phone_number_id: '106540352242922' }),
  );

  for (const [name, text] of Object.entries(encodings))
    test(`is in no error that quotes it: ${name}`, () => {
      const masked = secrets.mask(new AppError('platform.answer_invalid', `it said ${text}`, { details: { text } }));
      expect(search.find(JSON.stringify([masked.message, masked.details]))).toEqual([]);
      expect(masked.message).toMatch(/^it said /);
    });

  test('leaves the time of its end readable', () => {
    const error = new AppError('platform.unavailable', 'try again at 2026-11-27T10:00:00.000Z');
    expect(secrets.mask(error)).toBe(error);
  });

  test('comes back in no answer, and the answer stays what it is otherwise', async () => {
    const text = JSON.stringify({ title: `Wanted: ${TOKEN}`, [TOKEN]: 1, account: '106540352242922' });
    const http = quietHttp(
      { ...NO_STREAM, request: async () => ({ status: 200, headers: { etag: TOKEN }, text }) },
      secrets,
    );
    const answer = await http.request(
      { method: 'GET', url: 'https://x.test/', charges: [] },
      new AbortController().signal,
    );
    expect(answer.headers).toEqual({ etag: '[secret]' });
    expect(JSON.parse(answer.text)).toEqual({ title: 'Wanted: [secret]', '[secret]': 1, account: '106540352242922' });
  });

  test('is in no line that the connector logs', () => {
    const lines: string[] = [];
    const log = createLogger({ level: 'debug', role: 'worker', to: { write: (line) => void lines.push(line) } });
    quietLog(log, secrets)
      .with({ hint: TOKEN })
      .emit('run.started', { note: `sent ${TOKEN}`, page: 3 });
    expect(search.find(lines.join(''))).toEqual([]);
    expect(JSON.parse(lines[0]!)).toMatchObject({ event: 'run.started', note: 'sent [secret]', page: 3 });
  });
});

describe('a secret of no known form', () => {
  test('is hidden where it looks drawn by lot, and names and ids stay', () => {
    const id = '01890000-0000-7000-8000-00000000000a';
    const said = `no partition sync_logs_2026_11 for ${id} in embedded-postgres-18`;
    expect(hideOpaqueWords(`${said}: ${TOKEN}`)).toBe(`${said}: [hidden]`);
  });

  test('is in no line about an error that nobody foresaw, the stack included', () => {
    const lines: string[] = [];
    const log = createLogger({ level: 'debug', role: 'worker', to: { write: (line) => void lines.push(line) } });
    log.emit('process.crashed', { error: new Error(`refused ${TOKEN}`, { cause: new Error(`with ${TOKEN}`) }) });
    expect(search.find(lines.join(''))).toEqual([]);
    expect(lines.join('')).toContain('refused');
  });

  test('is not repeated by the parser of the command line', () => {
    expect(describeUsage(`error: unknown option '--x=${TOKEN}'`)).toBe(`error: unknown option '--x=[hidden]'`);
  });

  test('is not repeated by a problem of the environment', () => {
    const load = () => loadConfig({ LOG_LEVEL: TOKEN }, { cwd: '/', isRoot: false });
    expect(load).toThrow('LOG_LEVEL');
    expect(load).not.toThrow(TOKEN);
  });

  test('is not repeated as the name of an unknown member', () => {
    const { error } = z.strictObject({ name: z.string() }).safeParse({ name: 'x', [TOKEN]: 1, colour: 2 });
    expect(error!.issues.map((issue) => issueText(issue, 'body'))).toEqual([
      'body: unknown members: one that is no name, "colour"',
    ]);
  });
});
