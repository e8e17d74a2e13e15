import { afterEach, expect, test } from 'vitest';
import type { StopSignal } from '../../src/lifecycle/signals.ts';
import { killSpawned, spawnModule } from '../support/processes/spawned.ts';
import { waitFor } from '../support/wait.ts';

afterEach(killSpawned);

test.each<StopSignal>(['SIGTERM', 'SIGINT'])('the first %s drains and the process ends with 0', async (signal) => {
  const child = spawnModule('run-child.ts', ['steady']);
  await child.logged('process.started');
  child.kill(signal);
  expect(await child.ended).toEqual({ exitCode: 0, signal: null });
  expect(child.lines().map(({ event }) => event)).toEqual([
    'service.started',
    'process.started',
    'process.stopping',
    'service.stopped',
    'process.stopped',
  ]);
  expect(child.lines()[2]).toMatchObject({ reason: signal });
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second signal, %s, ends a draining process at once', async (signal, exitCode) => {
  const child = spawnModule('run-child.ts', ['stubborn']);
  await child.logged('process.started');
  child.kill('SIGTERM');
  await child.logged('process.stopping');
  // Sent until it counts as a second request, and not as an echo of the first.
  const ended = child.ended;
  let isOver = false;
  void ended.finally(() => (isOver = true));
  await waitFor(() => (child.kill(signal), isOver), { what: 'the process to end', timeoutMs: 3_000 });
  expect(await ended).toEqual({ exitCode, signal: null });
});

test('one Ctrl-C that arrives twice, from the terminal and from npm, still drains', async () => {
  const child = spawnModule('run-child.ts', ['steady']);
  await child.logged('process.started');
  child.kill('SIGINT');
  child.kill('SIGINT');
  expect(await child.ended).toEqual({ exitCode: 0, signal: null });
  expect(child.output()).toContain('process.stopped');
});

test('a service that does not stop in time fails the process', async () => {
  const child = spawnModule('run-child.ts', ['late']);
  await child.logged('process.started');
  child.kill('SIGTERM');
  expect(await child.ended).toEqual({ exitCode: 1, signal: null });
  expect(await child.logged('service.failed')).toMatchObject({ error: { code: 'service.stop_timeout' } });
});

test('a service that refuses its configuration ends the process with 2', async () => {
  const child = spawnModule('run-child.ts', ['config']);
  expect(await child.ended).toEqual({ exitCode: 2, signal: null });
  expect(await child.logged('service.failed')).toMatchObject({
    error: { code: 'service.start_failed', causes: [{ code: 'config.invalid' }] },
  });
});

test('an error that nobody handles is logged without its secrets and ends the process', async () => {
  const child = spawnModule('run-child.ts', ['leaky']);
  expect(await child.ended).toEqual({ exitCode: 1, signal: null });
  expect(await child.logged('process.crashed')).toMatchObject({ error: { message: 'leaked api_key=[redacted]' } });
  expect(child.output()).not.toContain('hunter2');
});
