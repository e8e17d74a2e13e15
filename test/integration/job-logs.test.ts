// What jobs say, from the handler's log to the table and back.

import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { createJobLog, pruneJobLogs, readJobLogs, saveJobLogs, type NewLogLine } from '../../queues/job-log.ts';
import { systemClock } from '../../src/core/clock.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { AppError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { recordLog } from '../conformance/queue/harness.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const [worker, scheduler, api] = [
  database.open('tidemark_worker'),
  database.open('tidemark_scheduler'),
  database.open('tidemark_api'),
];
const NOW = new Date('2026-03-01T12:00:00Z');

const logOf = (jobId: string = randomUUID()) =>
  createJobLog({ jobId, userId: null, log: silentLog, clock: systemClock });

const line = (jobId: string, text: string, more: Partial<NewLogLine> = {}): NewLogLine => ({
  jobId,
  userId: null,
  at: NOW,
  level: 'info',
  line: text,
  ...more,
});

const read = (jobId: string) => api.tx({ kind: 'ops' }, (tx) => readJobLogs(tx, jobId));

describe('the log of a job', () => {
  test('tells the process everything and the job what is info and above', () => {
    const process = recordLog();
    const { log, take } = createJobLog({ jobId: randomUUID(), userId: null, log: process, clock: systemClock });
    log.emit('run.page', { records: 5 });
    log.with({ stream: 'jobs' }).with({ pages: 2 }).emit('run.finished', { records: 12 });
    log.emit('job.retried', { error: new AppError('http.unavailable', 'no answer\nof the host') });
    expect(process.events.map(({ event }) => event)).toEqual(['run.page', 'run.finished', 'job.retried']);
    expect(take().map((said) => [said.level, said.line])).toEqual([
      ['info', 'run finished stream=jobs pages=2 records=12'],
      [
        'warn',
        String.raw`job failed and will be tried again error="http.unavailable: no answer\nof the host" kind=transient`,
      ],
    ]);
    expect(take()).toEqual([]);
  });

  test('does not repeat the id of its own job, but names another one', () => {
    const jobId = randomUUID();
    const other = randomUUID();
    const { log, take } = logOf(jobId);
    log.with({ jobId }).emit('job.cancelled');
    log.emit('job.cancelled', { jobId: other });
    expect(take().map((said) => said.line)).toEqual(['job cancelled', `job cancelled jobId=${other}`]);
  });

  test('holds no secret, no NUL, no half character, and no line over 2,000 characters', async () => {
    const jobId = randomUUID();
    const { log, take } = logOf(jobId);
    log.emit('run.finished', {
      access_token: 'canary-1',
      note: 'Bearer canary-2-canary',
      url: 'https://u:canary-3@h/',
    });
    log.emit('run.finished', { text: `a\0b \ud83d ${'😀'.repeat(3_000)}` });
    const lines = take();
    expect(lines[0]?.line).not.toContain('canary');
    expect(lines[1]?.line.length).toBeLessThanOrEqual(2_000);
    expect(lines[1]?.line.isWellFormed()).toBe(true);
    await worker.tx({ kind: 'ops' }, (tx) => saveJobLogs(tx, lines));
    expect((await read(jobId)).map((said) => said.line)).toEqual(lines.map((said) => said.line));
  });

  test('a job that says too much at once is told how much was dropped', () => {
    const { log, take } = logOf();
    for (let i = 0; i < 250; i++) log.emit('run.continued', { i });
    const lines = take();
    expect(lines).toHaveLength(201);
    expect(lines[199]?.line).toBe('run continues in a new slice i=199');
    expect(lines[200]).toMatchObject({ level: 'warn', line: expect.stringContaining('50 more lines were dropped') });
    log.emit('run.continued', { i: 'again' });
    expect(take().map((said) => said.line)).toEqual(['run continues in a new slice i=again']);
  });
});

describe('stored lines', () => {
  beforeEach(async () => {
    await database.asSuperuser('delete from job_logs');
  });

  test('are read oldest first, of one job only', async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    await worker.tx({ kind: 'ops' }, async (tx) => {
      await saveJobLogs(tx, [line(one, 'a'), line(two, 'x'), line(one, 'b', { level: 'error' })]);
      await saveJobLogs(tx, [line(one, 'c')]);
      await saveJobLogs(tx, []);
    });
    expect(await read(one)).toEqual([
      { at: NOW, level: 'info', line: 'a' },
      { at: NOW, level: 'error', line: 'b' },
      { at: NOW, level: 'info', line: 'c' },
    ]);
    expect(await read(randomUUID())).toEqual([]);
    expect(await read('no-id')).toEqual([]);
  });

  test('are the newest 1,000 of a job, and other jobs keep theirs', async () => {
    const [chatty, quiet] = [randomUUID(), randomUUID()];
    const many = Array.from({ length: 700 }, (_, i) => line(chatty, `${i}`));
    await worker.tx({ kind: 'ops' }, (tx) => saveJobLogs(tx, [line(quiet, 'q'), ...many]));
    await worker.tx({ kind: 'ops' }, (tx) => saveJobLogs(tx, [...many, line(quiet, 'r')]));
    const kept = await read(chatty);
    expect(kept).toHaveLength(1_000);
    expect([kept[0]?.line, kept[299]?.line, kept[300]?.line, kept[999]?.line]).toEqual(['400', '699', '0', '699']);
    expect((await read(quiet)).map((said) => said.line)).toEqual(['q', 'r']);
    const [{ lines } = { lines: 0 }] = await database.asSuperuser<{ lines: number }>(
      'select count(*)::int as lines from job_logs',
    );
    expect(lines).toBe(1_002);
  });

  test('are pruned by age, a bounded number at a time, oldest first', async () => {
    const jobId = randomUUID();
    const aged = [9, 8, 7, 1].map((days) => line(jobId, `${days}`, { at: new Date(NOW.getTime() - days * DAY_MS) }));
    await worker.tx({ kind: 'ops' }, (tx) => saveJobLogs(tx, aged));
    const before = new Date(NOW.getTime() - 6 * DAY_MS);
    const prune = (limit: number) => scheduler.tx({ kind: 'none' }, (tx) => pruneJobLogs(tx, before, limit));
    expect(await prune(2)).toBe(2);
    expect((await read(jobId)).map((said) => said.line)).toEqual(['7', '1']);
    expect(await prune(2)).toBe(1);
    expect(await prune(2)).toBe(0);
  });
});
