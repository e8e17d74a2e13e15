import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { EventFields, EventLog } from '../../src/telemetry/event-log.ts';
import { createLogger, type LoggerOptions } from '../../src/telemetry/logger.ts';
import { createMetrics, silentMetrics } from '../../src/telemetry/metrics.ts';

const BOT_TOKEN = '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw8';

function record(options: Partial<LoggerOptions> = {}): { readonly log: EventLog; readonly lines: string[] } {
  const lines: string[] = [];
  const to = { write: (line: string) => void lines.push(line) };
  return { log: createLogger({ level: 'info', role: 'worker', to, ...options }), lines };
}

/** What becomes of `fields` in a line. */
function logged(fields: EventFields, options: Partial<LoggerOptions> = {}): Record<string, unknown> {
  const { log, lines } = record(options);
  log.emit('run.failed', fields);
  return JSON.parse(lines[0]!) as Record<string, unknown>;
}

describe('a log line', () => {
  test('is one JSON object with event, sentence, role and process', () => {
    const clock = { now: () => new Date('2026-11-24T10:00:00Z'), mono: () => 0 };
    expect(logged({ runId: 'r1' }, { clock })).toEqual({
      time: '2026-11-24T10:00:00.000Z',
      level: 'error',
      event: 'run.failed',
      msg: 'run failed',
      role: 'worker',
      pid: process.pid,
      runId: 'r1',
    });
  });

  test('carries the fields of its log, the nearest one first', () => {
    const { log, lines } = record();
    log.with({ platform: 'ozon', stream: 'orders' }).with({ stream: 'stocks' }).emit('run.started', { page: 1 });
    expect(JSON.parse(lines[0]!)).toMatchObject({ platform: 'ozon', stream: 'stocks', page: 1 });
  });

  test('is not written below the level', () => {
    const { log, lines } = record({ level: 'warn' });
    log.emit('run.started');
    log.emit('loop.failed');
    expect(lines).toHaveLength(1);
  });

  test('keeps its own names when a field would take them', () => {
    expect(logged({ event: 'forged', level: 'debug', msg: 'x' })).toMatchObject({
      event: 'run.failed',
      level: 'error',
      event_: 'forged',
      msg_: 'x',
    });
  });
});

describe('a secret', () => {
  test.each(
    (
      'token access_token refreshToken client_secret clientsecret password DB_PASSWORD cookie Authorization Set-Cookie X-Api-Key ' +
      'api_key apiKey credentials bot_token wrapped_key ciphertext privateKey leaseToken proxy-authorization secretKeys code_verifier dataKey'
    ).split(' '),
  )('is hidden under the name %s at any depth', (name) => {
    const line = JSON.stringify(logged({ a: { b: [{ [name]: 'hunter2' }] }, [name]: { deep: 'hunter2' } }));
    expect(line).not.toContain('hunter2');
  });

  test.each(['tokenExpiresAt', 'credentialId', 'uniqueKey', 'chat_key', 'cursor', 'secretKeysFile', 'author'])(
    'is not suspected under the name %s',
    (name) => {
      expect(logged({ [name]: 'visible' })[name]).toBe('visible');
    },
  );

  test.each([
    ['postgres://app:hunter2@db:5432/x', 'postgres://[redacted]@db:5432/x'],
    ['postgres://app:hunt/er2@db/x', 'postgres://[redacted]@db/x'],
    ['see https://me:hunter2@proxy/a and b', 'see https://[redacted]@proxy/a and b'],
    [`https://api.telegram.org/bot${BOT_TOKEN}/getMe`, 'https://api.telegram.org/bot[redacted]/getMe'],
    ['sent Authorization: Bearer abcdef.hunter2', 'sent Authorization: Bearer [redacted]'],
    ['body {"access_token": "hunter2","n":1}', 'body {"access_token": "[redacted]","n":1}'],
    ['grant_type=x&refresh_token=hunter2&n=1', 'grant_type=x&refresh_token=[redacted]&n=1'],
    ['GET /debug_token?input_token=hunter2', 'GET /debug_token?input_token=[redacted]'],
    ['Malformed access token EAAJZCexampleTOKENofASystemUser', 'Malformed access token [redacted]'],
  ])('is masked inside the text %s', (text, masked) => {
    expect(logged({ text, error: new Error(text) })).toMatchObject({ text: masked, error: { message: masked } });
  });

  test('stays hidden when the text is cut in the middle of it', () => {
    const text = `${'x'.repeat(3_990)} postgres://app:${'hunter2'.repeat(5)}@db`;
    expect(JSON.stringify(logged({ text }))).not.toContain('hunter2');
  });

  test('prints a placeholder, wrapped or as bytes', () => {
    expect(logged({ value: new Secret('hunter2'), bytes: Buffer.from('hunter2') })).toMatchObject({
      value: '[secret]',
      bytes: '[7 bytes]',
    });
  });

  test('does not leave through the address of a URL or a value with a toJSON of its own', () => {
    const sly = { toJSON: () => 'hunter2', shown: 1 };
    const line = logged({ url: new URL('https://me:hunter2@x/'), sly });
    expect(JSON.stringify(line)).not.toContain('hunter2');
    expect(line['sly']).toEqual({ shown: 1 });
  });

  test('does not leave through the extra members of a foreign error', () => {
    const error = Object.assign(new Error('request failed'), { code: 'ERR_X', config: { headers: { a: 'hunter2' } } });
    expect(logged({ error })['error']).toEqual({ name: 'Error', code: 'ERR_X', message: 'request failed' });
  });
});

describe('an error', () => {
  const error = new AppError('platform.rate_limited', 'expected an answer, got 429', {
    details: { status: 429, token: 'hunter2' },
    retryAfterMs: 5_000,
    cause: new TypeError('outer', { cause: new Error(`inner bot${BOT_TOKEN}`) }),
  });

  test('is written with code, kind, details and the messages of its causes', () => {
    expect(logged({ error })['error']).toEqual({
      code: 'platform.rate_limited',
      kind: 'rate_limited',
      message: 'expected an answer, got 429',
      details: { status: 429, token: '[redacted]' },
      retryAfterMs: 5_000,
      causes: [
        { name: 'TypeError', message: 'outer' },
        { name: 'Error', message: 'inner bot[redacted]' },
      ],
    });
  });

  test('shows its stack at debug only', () => {
    expect(JSON.stringify(logged({ error }))).not.toContain('telemetry.test');
    expect(JSON.stringify(logged({ error }, { level: 'debug' }))).toContain('telemetry.test');
  });

  test('that is its own cause is written once', () => {
    const loop = new Error('loop');
    loop.cause = loop;
    expect(logged({ error: loop })).toMatchObject({ error: { message: 'loop' } });
  });
});

describe('whatever the fields hold', () => {
  test('a line has a bounded size', () => {
    const wide = Array.from({ length: 5_000 }, (_, index) => ({ index, text: 'y'.repeat(10_000) }));
    const deep: Record<string, unknown> = {};
    deep['self'] = deep;
    const { log, lines } = record();
    log.emit('run.failed', { wide, deep, many: Object.fromEntries(wide.map((item, index) => [`k${index}`, item])) });
    expect(lines[0]!.length).toBeLessThan(200_000);
  });

  test('the event is written', () => {
    const hostile = {
      get boom(): never {
        throw new Error('no');
      },
    };
    expect(logged(hostile)).toMatchObject({ event: 'run.failed', unloggable: 'Error: no' });
    expect(logged({ n: 5n, x: Number.NaN, s: new Set([1]), m: new Map([['token', 'hunter2']]) })).toMatchObject({
      n: '5',
      x: 'NaN',
      s: [1],
      m: { token: '[redacted]' },
    });
  });
});

test('a line for a terminal is a single one and cannot be forged', () => {
  const { log, lines } = record({ format: 'pretty' });
  log.emit('run.failed', {
    text: 'a\n12:00 info forged\u001b[2J\u009b2J',
    error: new AppError('internal', 'it broke'),
  });
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} error worker +run failed run\.failed text=/);
  expect(lines[0]).toContain('error="internal: it broke" kind=fatal');
  expect(lines[0]!.trimEnd()).not.toMatch(/\p{Cc}/u);
});

describe('metrics', () => {
  test('have the documented names, labels and seconds', async () => {
    const metrics = createMetrics();
    metrics.jobFinished({ queue: 'metrics', kind: 'metrics.rollup', outcome: 'completed', waitMs: 1_500, runMs: 20 });
    metrics.runFinished({ platform: 'upwork', stream: 'jobs', status: 'success' });
    metrics.recordsCounted({ platform: 'upwork', stream: 'jobs', result: 'changed', count: 7 });
    metrics.requestFinished({ platform: 'upwork', outcome: 'ok', durationMs: 30 });
    metrics.queueDepth({ queue: 'metrics', state: 'waiting', count: 3 });
    metrics.schedulerLag(2_000);
    metrics.workersAlive(4);
    const text = await metrics.render();
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'tidemark_jobs_total{queue="metrics",kind="metrics.rollup",outcome="completed"} 1',
        'tidemark_job_wait_seconds_sum{queue="metrics",kind="metrics.rollup"} 1.5',
        'tidemark_job_run_seconds_sum{queue="metrics",kind="metrics.rollup"} 0.02',
        'tidemark_runs_total{platform="upwork",stream="jobs",status="success"} 1',
        'tidemark_records_total{platform="upwork",stream="jobs",result="changed"} 7',
        'tidemark_http_requests_total{platform="upwork",outcome="ok"} 1',
        'tidemark_http_seconds_count{platform="upwork"} 1',
        'tidemark_queue_jobs{queue="metrics",state="waiting"} 3',
        'tidemark_scheduler_lag_seconds 2',
        'tidemark_workers 4',
      ]),
    );
    expect(text).toContain('process_resident_memory_bytes');
    expect(metrics.contentType).toContain('text/plain');
  });

  test('of one registry do not count in another', async () => {
    createMetrics().workersAlive(9);
    expect(await createMetrics().render()).not.toContain('tidemark_workers 9');
    expect(await silentMetrics.render()).toBe('');
  });
});
