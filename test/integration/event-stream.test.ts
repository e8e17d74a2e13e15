// Server-sent events and clients that read slowly, never, or no longer; and the watch that feeds them.

import { connect } from 'node:net';
import { once } from 'node:events';
import Fastify from 'fastify';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createEventStreams } from '../../src/api/event-stream.ts';
import { createRunWatch, type RunWatch } from '../../src/api/run-watch.ts';
import type { StreamEvent } from '../../src/api/call.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createSyncWorld } from '../support/sync-world.ts';
import { waitFor } from '../support/wait.ts';

const MIB = 'x'.repeat(1024 * 1024);
const EVENTS = 200;

let port = 0;
let taken = 0;
let isOver = false;

/** Two hundred events of a megabyte each, as fast as they are wanted. */
async function* events(): AsyncGenerator<StreamEvent<string>> {
  try {
    for (; taken < EVENTS; taken++) {
      await Promise.resolve();
      yield { id: String(taken), data: MIB };
    }
  } finally {
    isOver = true;
  }
}

beforeEach(async () => {
  [taken, isOver] = [0, false];
  const streams = createEventStreams();
  const app = Fastify({ forceCloseConnections: true });
  app.get('/events', async (_request, reply) => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    return await streams.send(reply, events(), gone);
  });
  app.get('/other', async () => ({ fine: true }));
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as { port: number }).port;
  onTestFinished(() => app.close());
});

test('a client that does not read is not written to without end, and holds nobody up', async () => {
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /events HTTP/1.1\r\nhost: here\r\n\r\n');
  await once(socket, 'readable');
  for (let request = 0; request < 20; request++)
    expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(200);
  expect(taken).toBeLessThan(EVENTS / 2);
  expect(isOver).toBe(false);
  socket.destroy();
  await waitFor(() => isOver, { what: 'the source to be told that nobody listens' });
});

test('a client that reads gets everything, in order', async () => {
  const text = await (await fetch(`http://127.0.0.1:${port}/events`)).text();
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  expect(ids).toEqual(Array.from({ length: EVENTS }, (_, id) => id));
});

test('a watch is kept for so many, and freed when they leave', async () => {
  const database = await createTestDatabase();
  const world = await createSyncWorld(database);
  const runId = await world.addRun();
  const runs: RunWatch = createRunWatch({ db: database.open('tidemark_api'), clock: systemClock, log: silentLog });
  await runs.loop.start();
  onTestFinished(() => runs.loop.stop());
  const leaving = new AbortController();
  const watch = (signal: AbortSignal) => runs.watch(runId, signal)[Symbol.asyncIterator]();
  const watchers = Array.from({ length: 500 }, () => watch(leaving.signal));
  for (const first of await Promise.all(watchers.map((each) => each.next())))
    expect(first).toMatchObject({ done: false, value: { id: runId, status: 'queued' } });
  const late = new AbortController();
  await expect(watch(late.signal).next()).rejects.toMatchObject({ code: 'api.overloaded' });
  const ends = Promise.all(watchers.map((each) => each.next()));
  leaving.abort();
  expect((await ends).every(({ done }) => done === true)).toBe(true);
  expect(await watch(late.signal).next()).toMatchObject({ value: { id: runId } });
  late.abort();
});
