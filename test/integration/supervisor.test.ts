import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { createSupervisor, type Supervisor } from '../../src/lifecycle/supervisor.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { isAlive, killSpawned, spawnModule, type SpawnedProcess } from '../support/processes/spawned.ts';
import { stressStartStop } from '../support/stress.ts';
import { eventRecorder, waitFor } from '../support/wait.ts';

const ENTRY = fileURLToPath(new URL('../support/processes/run-child.ts', import.meta.url));

afterEach(killSpawned);

/** A running supervisor and the process ids of its children, by behaviour. */
async function supervise(...children: string[]): Promise<{ process: SpawnedProcess; pids: number[] }> {
  const supervisor = spawnModule('run-supervisor.ts', children);
  await supervisor.logged('process.started', ({ role }) => role === 'supervisor');
  const ready = supervisor.lines().filter(({ event }) => event === 'process.child_ready');
  return { process: supervisor, pids: ready.map((line) => Number(line['childPid'])) };
}

async function gone(pids: readonly number[]): Promise<void> {
  await waitFor(() => !pids.some(isAlive), { what: `children ${pids.join(', ')} to end`, timeoutMs: 20_000 });
}

test('it is ready when all children are, and SIGTERM drains them all', async () => {
  const { process: supervisor, pids } = await supervise('steady', 'steady');
  expect(pids).toHaveLength(2);
  supervisor.kill('SIGTERM');
  expect(await supervisor.ended).toEqual({ exitCode: 0, signal: null });
  const stopped = supervisor.lines().filter(({ event }) => event === 'process.stopped');
  expect(stopped.map(({ role, exitCode }) => [role, exitCode])).toEqual([
    ['child-steady', 0],
    ['child-steady', 0],
    ['supervisor', 0],
  ]);
  expect(pids.some(isAlive)).toBe(false);
});

test('a child that crashes before it is ready is started again', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-supervisor-'));
  try {
    const { process: supervisor } = await supervise(`crash-once=${path.join(folder, 'marker')}`);
    expect(await supervisor.logged('process.child_exited')).toMatchObject({ child: 'crash-once', exitCode: 1 });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a child that is killed is started again, under a new id, and the others are left alone', async () => {
  const { process: supervisor, pids } = await supervise('steady', 'stubborn');
  const [victim, other] = pids;
  process.kill(victim!, 'SIGKILL');
  const exited = await supervisor.logged('process.child_exited');
  expect(exited).toMatchObject({ childPid: victim, signal: 'SIGKILL', restarts: 1 });
  await supervisor.logged('process.child_ready', ({ childPid }) => !pids.includes(Number(childPid)));
  expect(isAlive(other!)).toBe(true);
});

test('a second signal kills the children and the supervisor', async () => {
  const { process: supervisor, pids } = await supervise('stubborn');
  supervisor.kill('SIGTERM');
  await supervisor.logged('process.stopping', ({ role }) => role === 'child-stubborn');
  let isOver = false;
  const ended = supervisor.ended.finally(() => (isOver = true));
  await waitFor(() => (supervisor.kill('SIGTERM'), isOver), { what: 'the supervisor to end', timeoutMs: 3_000 });
  expect(await ended).toEqual({ exitCode: 143, signal: null });
  await gone(pids);
});

test('a child with a wrong configuration stops everything with exit code 2', async () => {
  const supervisor = spawnModule('run-supervisor.ts', ['steady', 'config']);
  expect(await supervisor.ended).toEqual({ exitCode: 2, signal: null });
  expect(supervisor.lines().filter(({ event }) => event === 'process.child_exited')).toEqual([]);
  const started = supervisor.lines().filter(({ role }) => role.startsWith('child-'));
  await gone([...new Set(started.map(({ pid }) => pid))]);
});

test('children drain when their supervisor is killed', async () => {
  const { process: supervisor, pids } = await supervise('steady', 'steady');
  supervisor.kill('SIGKILL');
  await supervisor.ended;
  await gone(pids);
  const reasons = supervisor.lines().filter(({ event }) => event === 'process.stopping');
  expect(reasons.map(({ reason }) => reason)).toEqual(['parent_gone', 'parent_gone']);
});

test('Ctrl-C, which the terminal sends to parent and children alike, drains', async () => {
  const { process: supervisor, pids } = await supervise('steady', 'steady');
  for (const pid of [supervisor.pid, ...pids]) process.kill(pid, 'SIGINT');
  expect(await supervisor.ended).toEqual({ exitCode: 0, signal: null });
  expect(supervisor.lines().filter(({ event }) => event === 'process.child_exited')).toEqual([]);
});

function miniature(...behaviours: string[]): Supervisor {
  const children = behaviours.map((role) => {
    const env = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'] });
    return { role, entry: ENTRY, args: [role], env, execArgv: [] };
  });
  return createSupervisor({ children, drainMs: 5_000, log: silentLog });
}

test('it survives every order of start and stop and leaves no process behind', async () => {
  await stressStartStop(() => miniature('quiet'), { rounds: 2 });
});

test('it is degraded while a child is missing, and its start fails when one refuses', async () => {
  const quiet = miniature('quiet');
  expect(await quiet.health?.()).toEqual({ status: 'degraded', reason: 'not ready: quiet' });
  await quiet.start();
  expect(await quiet.health?.()).toEqual({ status: 'ok' });
  await quiet.stop();

  const refused = miniature('config', 'quiet');
  await expect(refused.start()).rejects.toMatchObject({ code: 'process.child_refused', kind: 'config' });
  expect(await refused.refused).toBe(2);
});

test('a child that never gets ready is tried again, and stop ends that', async () => {
  const log = eventRecorder();
  const supervisor = createSupervisor({
    children: [{ role: 'useless', entry: ENTRY, args: ['useless'], env: () => ({}), execArgv: [] }],
    drainMs: 1_000,
    backoff: { baseMs: 1, capMs: 1 },
    log,
  });
  const starting = expect(supervisor.start()).rejects.toMatchObject({ name: 'AbortError' });
  await log.waitFor('process.child_exited', ({ restarts }) => restarts === 2);
  await supervisor.stop();
  await starting;
});
