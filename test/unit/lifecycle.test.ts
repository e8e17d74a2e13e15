import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { deferred } from '../../src/core/async.ts';
import { exitCodeOf } from '../../src/lifecycle/exit-code.ts';
import { createLoop, type Loop, type LoopOptions } from '../../src/lifecycle/loop.ts';
import { createServiceGroup, type ServiceGroupOptions } from '../../src/lifecycle/service-group.ts';
import type { Service } from '../../src/lifecycle/service.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { stressStartStop } from '../support/stress.ts';
import { eventRecorder, waitFor } from '../support/wait.ts';

/** A service that writes down what happens to it; `steps` replaces what it does. */
function service(name: string, journal: string[], steps: Partial<Service> = {}): Service {
  return {
    name,
    ...(steps.health === undefined ? {} : { health: steps.health }),
    async start() {
      journal.push(`start ${name}`);
      await steps.start?.();
    },
    async stop() {
      journal.push(`stop ${name}`);
      await steps.stop?.();
    },
  };
}

function group(services: readonly Service[], options: Partial<ServiceGroupOptions> = {}): Service {
  return createServiceGroup({ name: 'test', services, stopWithinMs: 1_000, graceMs: 20, log: silentLog, ...options });
}

const fails = (message: string) => (): Promise<never> => Promise.reject(new Error(message));
const hangs = (): Promise<never> => new Promise(() => undefined);

describe('a group of services', () => {
  test('starts in order and stops in reverse', async () => {
    const journal: string[] = [];
    const both = group([service('a', journal), service('b', journal)]);
    await both.start();
    await both.stop();
    expect(journal).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('stops what had started when one does not start, and tells the cause', async () => {
    const journal: string[] = [];
    const trio = group([
      service('a', journal, { stop: fails('a stays') }),
      service('b', journal),
      service('c', journal, { start: () => Promise.reject(new AppError('db.unavailable', 'no database')) }),
      service('d', journal),
    ]);
    const error = await trio.start().catch((error: unknown) => error as AppError);
    expect(journal).toEqual(['start a', 'start b', 'start c', 'stop b', 'stop a']);
    expect(error).toMatchObject({
      code: 'service.start_failed',
      message: 'service c was expected to start and failed: no database',
      cause: { code: 'db.unavailable' },
      details: { service: 'c', stopFailures: [{ service: 'a', code: 'internal' }] },
    });
    await expect(trio.stop()).resolves.toBeUndefined();
  });

  test('stops the others when one hangs or fails, and reports both', async () => {
    const journal: string[] = [];
    const log = eventRecorder();
    const services = [
      service('a', journal),
      service('b', journal, { stop: hangs }),
      service('c', journal, { stop: fails('c stays') }),
    ];
    const trio = group(services, { stopWithinMs: 50, log });
    await trio.start();
    await expect(trio.stop()).rejects.toMatchObject({ code: 'service.stop_failed', message: /b: .*c: |c: .*b: / });
    expect(journal.slice(3)).toEqual(['stop c', 'stop b', 'stop a']);
    expect(log.of('service.failed').map(({ fields }) => fields['service'])).toEqual(['c', 'b']);
  });

  test('stopped while it starts stops the starting one as well and starts no other', async () => {
    const journal: string[] = [];
    const gate = deferred();
    const pair = group([
      service('a', journal, { start: () => gate.promise, stop: async () => gate.resolve() }),
      service('b', journal),
    ]);
    const starting = pair.start();
    await pair.stop();
    await expect(starting).rejects.toMatchObject({ name: 'AbortError' });
    expect(journal).toEqual(['start a', 'stop a', 'stop a']);
  });

  test('is as healthy as its worst service', async () => {
    const sick = service('b', [], { health: () => ({ status: 'degraded', reason: 'slow' }) });
    const broken = service('c', [], { health: fails('no answer') });
    expect(await group([service('a', [])]).health?.()).toEqual({ status: 'ok' });
    expect(await group([service('a', []), sick]).health?.()).toEqual({ status: 'degraded', reason: 'b: slow' });
    expect(await group([sick, broken]).health?.()).toMatchObject({ status: 'down', reason: /^c: / });
  });

  test('survives every order of start and stop', async () => {
    await stressStartStop(() =>
      group([
        createLoop({ name: 'tick', everyMs: 1, pass: async () => undefined, log: silentLog }),
        service('plain', []),
      ]),
    );
  });
});

describe('a loop', () => {
  const running: Loop[] = [];

  async function loop(options: Partial<LoopOptions> & Pick<LoopOptions, 'pass'>): Promise<Loop> {
    const made = createLoop({ name: 'test', everyMs: 60_000, log: silentLog, ...options });
    running.push(made);
    await made.start();
    return made;
  }

  test('makes its first pass at once and goes on', async () => {
    let passes = 0;
    const ticking = await loop({ everyMs: 1, pass: async () => void passes++ });
    await waitFor(() => passes >= 5, { what: 'five passes' });
    await ticking.stop();
    const stoppedAt = passes;
    await new Promise((resolve) => void setImmediate(resolve));
    expect(passes).toBe(stoppedAt);
  });

  test('cannot die from errors, whatever is thrown and however', async () => {
    const log = eventRecorder();
    let passes = 0;
    const thrown: unknown[] = [new Error('x'), 'text', undefined, null, new DOMException('gone', 'AbortError')];
    const failing = await loop({
      everyMs: 1,
      log,
      backoff: { baseMs: 1, capMs: 1 },
      pass: (): Promise<void> => {
        const error = thrown[passes++];
        // Not every pass is an async function: this one throws before there is a promise.
        if (passes <= thrown.length) throw error;
        return Promise.resolve();
      },
    });
    await waitFor(() => passes > thrown.length + 2, { what: 'passes after the errors' });
    expect(log.of('loop.failed')).toHaveLength(thrown.length);
    expect(log.of('loop.failed')[1]?.fields).toMatchObject({ loop: 'test', failures: 2, error: 'text' });
    expect(failing.health?.()).toEqual({ status: 'ok' });
    await failing.stop();
  });

  test('calls itself degraded after three errors in a row', async () => {
    const log = eventRecorder();
    const failing = await loop({ log, backoff: { baseMs: 1, capMs: 1 }, pass: fails('no') });
    await log.waitFor('loop.failed', ({ failures }) => failures === 3);
    expect(await failing.health?.()).toMatchObject({ status: 'degraded' });
    await failing.stop();
  });

  test('waits longer after each error in a row', async () => {
    const log = eventRecorder();
    const failing = await loop({ log, backoff: { baseMs: 2, capMs: 8 }, random: () => 1, pass: fails('no') });
    await log.waitFor('loop.failed', ({ failures }) => failures === 4);
    await failing.stop();
    expect(
      log
        .of('loop.failed')
        .slice(0, 4)
        .map(({ fields }) => fields['retryInMs']),
    ).toEqual([2, 4, 8, 8]);
  });

  test('woken during a pass makes exactly one more', async () => {
    const gate = deferred();
    let passes = 0;
    const woken = await loop({
      pass: async () => {
        passes++;
        if (passes === 1) await gate.promise;
      },
    });
    await waitFor(() => passes === 1, { what: 'the first pass' });
    for (let i = 0; i < 10; i++) woken.wake();
    gate.resolve();
    await waitFor(() => passes === 2, { what: 'the second pass' });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve));
    expect(passes).toBe(2);
    woken.wake();
    await waitFor(() => passes === 3, { what: 'a pass after a wake during the wait' });
    await woken.stop();
  });

  test('never overlaps its passes', async () => {
    let inside = 0;
    let most = 0;
    let passes = 0;
    const busy = await loop({
      everyMs: 1,
      pass: async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => void setImmediate(resolve));
        inside--;
        passes++;
      },
    });
    await waitFor(() => (busy.wake(), passes > 50), { what: 'fifty passes' });
    await busy.stop();
    expect(most).toBe(1);
  });

  test('that is always late leaves room for the rest of the process', async () => {
    let passes = 0;
    const eager = await loop({ everyMs: 0, pass: async () => void passes++ });
    await waitFor(() => passes > 10, { what: 'passes beside this wait' });
    await eager.stop();
  });

  test('tells the pass in hand to end and waits for it', async () => {
    let ended = false;
    const begun = deferred();
    const patient = await loop({
      pass: async (signal) => {
        begun.resolve();
        const aborted = deferred();
        signal.addEventListener('abort', () => aborted.resolve(), { once: true });
        await aborted.promise;
        ended = true;
        signal.throwIfAborted();
      },
    });
    await begun.promise;
    await patient.stop();
    expect(ended).toBe(true);
  });

  test('subscribes to its wake-up on start and lets go of it on stop', async () => {
    let wake: (() => void) | undefined;
    let passes = 0;
    const subscribed = await loop({
      pass: async () => void passes++,
      onWake: (tell) => {
        wake = tell;
        return () => (wake = undefined);
      },
    });
    await waitFor(() => passes === 1, { what: 'the first pass' });
    wake?.();
    await waitFor(() => passes === 2, { what: 'the pass that was asked for' });
    await subscribed.stop();
    expect(wake).toBeUndefined();
  });

  test('survives every order of start and stop', async () => {
    await stressStartStop(() =>
      createLoop({ name: 'stress', everyMs: 1, pass: async () => undefined, log: silentLog }),
    );
    await stressStartStop(() =>
      createLoop({ name: 'stress', everyMs: 50_000, pass: fails('always'), log: silentLog, jitter: 0.5 }),
    );
  });
});

test('only an error that a person must fix gives exit code 2', () => {
  const config = new AppError('config.invalid', 'no');
  expect(exitCodeOf(config)).toBe(2);
  expect(exitCodeOf(new AppError('service.start_failed', 'x', { cause: config }))).toBe(2);
  expect(exitCodeOf(new AppError('db.unavailable', 'x'))).toBe(1);
  expect(exitCodeOf('text')).toBe(1);
});
