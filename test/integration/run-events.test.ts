import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { triggerSync } from '../../src/scheduler/trigger.ts';
import { systemClock } from '../../src/core/clock.ts';
import { bearer } from '../support/api.ts';
import { apiQueue, openApi } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { arrangeIntegration } from '../support/scheduling.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const queue = apiQueue(db, engine.driver);

interface Heard {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

let runId: string;

/** What the worker writes, from whatever process. */
async function write(assignments: string): Promise<void> {
  await engine.asSuperuser(`update sync_logs set ${assignments} where id = $1`, [runId]);
}

beforeEach(async () => {
  const now = new Date();
  const streams = [{ name: 'jobs', intervalMinutes: 60 }];
  const { id } = await arrangeIntegration(db, { now, streams });
  const deps = { db, queue, clock: systemClock };
  const triggered = await triggerSync(deps, { scope: { kind: 'ops' }, integrationId: id, trigger: 'api' });
  runId = triggered.runs[0]!.runId;
});

/** Events as they come; the connection ends with the test. */
async function listen(address: string, token: string, headers: Record<string, string> = {}) {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const response = await fetch(`${address}/v1/runs/${runId}/events`, {
    headers: { ...bearer(token), ...headers },
    signal: leaving.signal,
  });
  async function* events(): AsyncGenerator<Heard> {
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const frames = text.split('\n\n');
      text = frames.pop()!;
      for (const frame of frames) {
        const fields = Object.fromEntries(frame.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
        if (fields['data'] !== undefined)
          yield { id: fields['id']!, event: fields['event']!, data: JSON.parse(fields['data']) as Heard['data'] };
      }
    }
  }
  return { response, events: events(), leave: () => leaving.abort() };
}

test('a watcher hears of the run at once, of each change, and of its end', async () => {
  const { address, token } = await openApi(db, queue, { scopes: ['read'] });
  const { response, events } = await listen(address, token);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect((await events.next()).value).toMatchObject({ event: 'run', data: { id: runId, status: 'queued' } });
  await write(
    `status = 'running', started_at = now(), pages = 1, records_synced = 10, progress = '{"done": 10, "total": 40}'`,
  );
  expect((await events.next()).value).toMatchObject({ event: 'run', data: { status: 'running', percent: 25 } });
  await write(`status = 'success', completed_at = now()`);
  expect((await events.next()).value).toMatchObject({ event: 'end', data: { status: 'success', percent: 100 } });
  expect((await events.next()).done).toBe(true);
});

test('an ended run is told once, and the stream ends', async () => {
  await write(`status = 'cancelled', completed_at = now()`);
  const { address, token } = await openApi(db, queue, { scopes: ['read'] });
  const { events } = await listen(address, token);
  const heard: Heard[] = [];
  for await (const event of events) heard.push(event);
  expect(heard).toMatchObject([{ event: 'end', data: { status: 'cancelled' } }]);
});

test('a client that comes back hears nothing twice, and the end in any case', async () => {
  const { address, token } = await openApi(db, queue, { scopes: ['read'] });
  const first = await listen(address, token);
  const { id } = (await first.events.next()).value as Heard;
  first.leave();
  const second = await listen(address, token, { 'last-event-id': id });
  await write(`status = 'failed', completed_at = now(), error_message = 'broken'`);
  expect((await second.events.next()).value).toMatchObject({ event: 'end', data: { status: 'failed' } });
});

test('two servers tell the same to many watchers', async () => {
  const [one, two] = [await openApi(db, queue, { scopes: ['read'] }), await openApi(db, queue, { scopes: ['read'] })];
  const listeners = await Promise.all(
    Array.from({ length: 40 }, (_, index) => listen((index % 2 === 0 ? one : two).address, one.token)),
  );
  await Promise.all(listeners.map(({ events }) => events.next()));
  await write(`status = 'success', completed_at = now()`);
  const ends = await Promise.all(listeners.map(async ({ events }) => (await events.next()).value as Heard));
  expect(ends.map(({ event }) => event)).toEqual(ends.map(() => 'end'));
});

test('a server that stops ends its streams', async () => {
  const stops: (() => Promise<void>)[] = [];
  const { address, token } = await openApi(db, queue, { scopes: ['read'], whenOver: (stop) => void stops.push(stop) });
  const { events } = await listen(address, token);
  await events.next();
  for (const stop of stops.toReversed()) await stop();
  await expect(fetch(`${address}/healthz`)).rejects.toThrow('fetch failed');
});

test('a run that is not there is a problem, not a stream', async () => {
  const call = await openApi(db, queue, { scopes: ['read'] });
  expect((await call('GET', `/v1/runs/01890000-0000-7000-8000-00000000000a/events`)).status).toBe(404);
  expect((await call('GET', `/v1/runs/nothing/events`)).status).toBe(400);
});
