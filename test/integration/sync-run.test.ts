// Who may write, when a run stops, and what becomes of it.

import { beforeAll, describe, expect, test } from 'vitest';
import { deferred } from '../../src/core/async.ts';
import { AppError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { SyncRunDeps } from '../../src/sync/runner.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, listed, pageOf, type Read, type TestPage } from '../support/sync-world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

const failing = (error: Error, after: readonly TestPage[] = []): Read =>
  async function* () {
    yield* after;
    throw error;
  };

describe('fence', () => {
  test('a worker whose stream was taken over writes nothing more', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    const reached = deferred();
    const wake = deferred();
    const zombie = world.handler(listed([[{ id: 'a' }], [{ id: 'zombie' }]]), {
      onStep: async (step) => {
        if (step !== 'page.committed') return;
        reached.resolve();
        await wake.promise;
      },
    });
    const job = await world.claim(runId);
    const sleeping = zombie(job);
    await reached.promise;
    const heir = await world.addWorker();
    await database.asSuperuser(`update workers set status = 'dead' where id = $1`, [job.workerId]);
    await database.asSuperuser('select revoke_leases($1)', [job.workerId]);
    const outcome = await world.handler(listed([[{ id: 'a' }], [{ id: 'b' }]]))(
      await world.claim(runId, { workerId: heir, jobId: job.jobId }),
    );
    const settled = await world.run(runId);
    wake.resolve();
    expect(outcome).toMatchObject({ kind: 'completed' });
    expect(await sleeping).toMatchObject({ kind: 'discard' });
    expect((await world.proposals()).map((row) => row.upwork_proposal_id)).toEqual(['a', 'b']);
    expect(await world.run(runId)).toEqual(settled);
  });

  test('a transaction that was open when the worker stopped does not hold the stream', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    const wake = deferred();
    const inside = deferred();
    const job = await world.claim(runId);
    const stopped = world.handler(listed([[{ id: 'zombie' }]]), {
      onStep: async (step) => {
        if (step !== 'tx.upserted') return;
        inside.resolve();
        await wake.promise;
      },
    })(job);
    stopped.catch(() => undefined);
    await inside.promise;
    await database.asSuperuser(`update workers set status = 'dead' where id = $1`, [job.workerId]);
    await database.asSuperuser('select revoke_leases($1)', [job.workerId]);
    const heir = await world.claim(runId, { workerId: await world.addWorker(), jobId: job.jobId });
    // Waits for the row until Postgres has ended the idle transaction.
    expect(await world.handler(listed([[{ id: 'a' }]]))(heir)).toMatchObject({ kind: 'completed' });
    wake.resolve();
    await Promise.allSettled([stopped]);
    expect((await world.proposals()).map((row) => row.upwork_proposal_id)).toEqual(['a']);
  });

  test('a second live worker leaves the stream alone', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    const inside = deferred();
    const wake = deferred();
    const first = world.handler(listed([[{ id: 'a' }]]), {
      onStep: async (step) => {
        if (step !== 'page.read') return;
        inside.resolve();
        await wake.promise;
      },
    })(await world.claim(runId));
    await inside.promise;
    const second = await world.handler(listed([[{ id: 'b' }]]))(await world.claim(runId));
    wake.resolve();
    expect(second).toMatchObject({ kind: 'snooze' });
    expect(await first).toMatchObject({ kind: 'completed' });
    expect(await world.proposals()).toHaveLength(1);
  });

  test('a position that a person moved during a run is planned again', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    const outcome = await world.handler(async function* () {
      yield pageOf([{ id: 'a' }], 1);
      await database.asSuperuser(
        'update integration_streams set cursor = null, cursor_version = cursor_version + 1 where integration_id = $1',
        [world.integrationId],
      );
      yield pageOf([{ id: 'b' }], 2);
    })(await world.claim(runId));
    expect(outcome).toEqual({ kind: 'snooze', delayMs: 0, reason: 'sync.checkpoint_conflict' });
    expect(await world.proposals()).toHaveLength(1);
    expect(await world.stream()).toMatchObject({ cursor: null, lease_token: null });
    expect(await world.run(runId)).toMatchObject({ status: 'waiting' });
  });
});

describe('slices', () => {
  test('a run longer than a slice goes on where it stopped, as the same pass', async () => {
    const world = await createSyncWorld(database);
    const pages = [[{ id: 'a' }], [{ id: 'b' }], [{ id: 'c' }]];
    const runId = await world.addRun();
    const plans: unknown[] = [];
    const read: Read = (plan, context, onCall) => {
      plans.push([plan.type, plan.cursor?.n ?? null, plan.until.toISOString()]);
      return listed(pages)(plan, context, onCall);
    };
    const handler = world.handler(read, { config: { sliceMs: 0, egressId: 'test' } });
    const outcomes = [];
    do outcomes.push(await handler(await world.claim(runId)));
    while (outcomes.at(-1)!.kind === 'snooze');
    expect(outcomes.map(({ kind }) => kind)).toEqual(['snooze', 'snooze', 'snooze', 'completed']);
    const until = (plans[0] as readonly unknown[])[2];
    expect(plans).toEqual([null, 1, 2, 3].map((n) => ['full', n, until]));
    expect(await world.run(runId)).toMatchObject({ status: 'success', slices: 4, pages: 3, records_synced: 3 });
  });

  test('a draining worker stops between pages, also while it waits for an answer', async () => {
    const world = await createSyncWorld(database);
    const drain = new AbortController();
    const runId = await world.addRun();
    const never = deferred();
    const outcome = await world.handler(async function* () {
      yield pageOf([{ id: 'a' }], 1);
      drain.abort();
      await never.promise;
    })(await world.claim(runId, { draining: drain.signal }));
    expect(outcome).toEqual({ kind: 'snooze', delayMs: 0, reason: 'draining' });
    expect(await world.stream()).toMatchObject({ cursor: { at: { n: 1 } }, lease_token: null });
  });

  test('a cursor that does not advance ends the run', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    const endless = world.handler(async function* () {
      for (;;) yield pageOf([{ id: 'a' }], 1);
    })(await world.claim(runId));
    await expect(endless).rejects.toMatchObject({ code: 'sync.cursor_stuck' });
    expect(await world.run(runId)).toMatchObject({ status: 'failed', pages: 21 });
  });
});

describe('errors', () => {
  test('a failed attempt keeps what was stored and does not move the position', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    const error = new AppError('platform.unavailable', 'expected an answer, got 503');
    const attempt = world.handler(failing(error, [pageOf([{ id: 'a' }], 1)]))(await world.claim(runId));
    await expect(attempt).rejects.toBe(error);
    expect(await world.stream()).toMatchObject({ cursor: { at: { n: 1 }, pass: { type: 'full' } } });
    expect(await world.run(runId)).toMatchObject({ status: 'waiting', errors: [{ code: 'platform.unavailable' }] });
    await world.handler(listed([[{ id: 'x' }], [{ id: 'b' }]]))(await world.claim(runId));
    expect((await world.proposals()).map((row) => row.upwork_proposal_id)).toEqual(['a', 'b']);
    expect(await world.run(runId)).toMatchObject({ status: 'success' });
  });

  test('a rate limit makes the run wait without an attempt', async () => {
    const world = await createSyncWorld(database);
    const error = new AppError('platform.rate_limited', '429', { retryAfterMs: 30_000 });
    const { runId, outcome } = await world.sync(failing(error));
    expect(outcome).toMatchObject({ kind: 'snooze', reason: 'platform.rate_limited' });
    expect((outcome as { delayMs: number }).delayMs).toBeGreaterThanOrEqual(30_000);
    expect(await world.run(runId)).toMatchObject({ status: 'waiting', completed_at: null });
  });

  test('a dead grant parks the integration, a missing scope its stream, a method that is gone marks it gone', async () => {
    const cases = [
      ['credential.grant_dead', { status: 'active' }, { status: 'error', status_code: 'credential.grant_dead' }],
      ['platform.scope_missing', { status: 'parked' }, { status: 'pending' }],
      ['platform.method_gone', { status: 'gone' }, { status: 'pending' }],
    ] as const;
    for (const [code, stream, integration] of cases) {
      const world = await createSyncWorld(database);
      const runId = await world.addRun();
      const pending = await world.addRun({ status: 'pending' });
      const outcome = await world.handler(failing(new AppError(code, 'no')))(await world.claim(runId));
      expect(outcome).toMatchObject({ kind: 'completed', result: { status: 'failed' } });
      expect(await world.stream()).toMatchObject(stream);
      const [row] = await database.asSuperuser('select * from integrations where id = $1', [world.integrationId]);
      expect(row).toMatchObject(integration);
      expect(await world.run(pending)).toMatchObject({ status: 'cancelled' });
    }
  });

  test('a run whose integration is in error by now says why it was cancelled', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    await database.asSuperuser(`update integrations set status = 'error' where id = $1`, [world.integrationId]);
    await world.handler(listed([[{ id: 'a' }]]))(await world.claim(runId));
    const run = await world.run(runId);
    expect(run).toMatchObject({
      status: 'cancelled',
      errors: [{ code: 'input.invalid', message: run['error_message'] }],
    });
    expect(run['error_message']).toEqual(expect.any(String));
  });

  test('a stale cursor is forgotten, so that the next attempt starts from a safe point', async () => {
    const world = await createSyncWorld(database);
    await world.sync(listed([[{ id: 'a' }]]));
    const runId = await world.addRun();
    const attempt = world.handler(failing(new AppError('sync.stale_cursor', 'gone')))(await world.claim(runId));
    await expect(attempt).rejects.toMatchObject({ code: 'sync.stale_cursor' });
    expect(await world.stream()).toMatchObject({ cursor: null, lease_token: null });
  });

  test('a cancelled run ends cancelled and keeps its stored pages', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    const stop = new AbortController();
    const job = await world.claim(runId, { signal: stop.signal });
    const running = world.handler(async function* () {
      yield pageOf([{ id: 'a' }], 1);
      await database.asSuperuser('update job_ledger set cancel_requested_at = now() where id = $1', [job.jobId]);
      stop.abort();
      await new Promise(() => undefined);
    })(job);
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(await world.run(runId)).toMatchObject({ status: 'cancelled', records_synced: 1 });
    expect(await world.stream()).toMatchObject({ lease_token: null });
  });

  test('the run that waited for its turn is queued when this one ends', async () => {
    const world = await createSyncWorld(database);
    const runId = await world.addRun();
    const pending = await world.addRun({ status: 'pending' });
    await world.handler(listed([[{ id: 'a' }]]))(await world.claim(runId));
    expect(await world.run(pending)).toMatchObject({ status: 'queued' });
    expect(world.enqueued).toMatchObject([{ kind: 'sync.run', queue: 'sync-upwork', payload: { runId: pending } }]);
  });
});

describe('platform metrics', () => {
  test('requests are counted, those of a page that was rolled back too', async () => {
    const world = await createSyncWorld(database);
    const call = (ok: boolean) => ({ ok, status: ok ? 200 : 500, durationMs: 120 });
    const runId = await world.addRun();
    const attempt = world.handler(async function* (_plan, _context, onCall) {
      onCall(call(true));
      yield pageOf([{ id: 'a' }], 1);
      onCall(call(false));
      onCall(call(true));
      yield { ...pageOf([{ id: 'b' }]), checkpoint: { wrong: true } as never };
    })(await world.claim(runId));
    await expect(attempt).rejects.toMatchObject({ code: 'sync.page_invalid' });
    const metrics = await database.asSuperuser<{ metric_type: string; n: string; buckets: string }>(
      `select metric_type, sum(count) as n, (select sum(b) from platform_metrics m2, unnest(histogram) b
         where m2.integration_id = m.integration_id and m2.metric_type = m.metric_type) as buckets
       from platform_metrics m where integration_id = $1 group by integration_id, metric_type order by 1`,
      [world.integrationId],
    );
    expect(metrics).toEqual([
      { metric_type: 'api_calls', n: '3', buckets: null },
      { metric_type: 'errors', n: '1', buckets: null },
      { metric_type: 'response_time', n: '3', buckets: '3' },
    ]);
    expect(await world.run(runId)).toMatchObject({ requests: 3 });
  });
});

describe('what a platform says', () => {
  test('is stored although it was cut in the middle of a character or holds a NUL', async () => {
    const world = await createSyncWorld(database);
    const told = 'cut here: \ud83d and \0 there';
    const problem = { code: 'platform.answer_invalid', kind: 'transient', message: told } as const;
    const failure = new AppError('platform.unavailable', told, { details: { said: told } });
    const { runId } = await world
      .sync(failing(failure, [{ ...pageOf([{ id: 'a' }], 1), problems: [problem] }]))
      .catch(async () => ({ runId: String((await listRunIds(world.integrationId))[0]) }));
    expect(await world.run(runId)).toMatchObject({
      status: 'waiting',
      records_synced: 1,
      error_message: 'cut here: \ufffd and  there',
    });
  });
});

const listRunIds = async (integrationId: string): Promise<unknown[]> =>
  (await database.asSuperuser('select id from sync_logs where integration_id = $1', [integrationId])).map(
    ({ id }) => id,
  );

test('requests of a page that was not stored are counted with the run', async () => {
  const world = await createSyncWorld(database);
  const runId = await world.addRun();
  const read: Read = async function* (_plan, _context, onCall) {
    onCall({ ok: true, durationMs: 5 } as Parameters<typeof onCall>[0]);
    await database.asSuperuser(
      'update integration_streams set cursor_version = cursor_version + 1 where integration_id = $1',
      [world.integrationId],
    );
    yield pageOf([{ id: 'a' }], 1);
  };
  await world.handler(read)(await world.claim(runId));
  expect(await world.run(runId)).toMatchObject({ requests: 1, pages: 0 });
});

test('a run that is stopped keeps its lease until a token that was spent is stored', async () => {
  const world = await createSyncWorld(database);
  const runId = await world.addRun();
  const spent = deferred();
  const answered = deferred();
  let heldAfterwards: unknown;
  const credentials: SyncRunDeps['credentials'] = ({ leaseToken, untilStored }) => {
    const spend = async (): Promise<Secret<unknown>> => {
      spent.resolve();
      await answered.promise;
      heldAfterwards = await database.asSuperuser('select 1 from tidemark_private.leases where token = $1', [
        leaseToken,
      ]);
      return new Secret({});
    };
    const current = (): Promise<Secret<unknown>> => {
      const work = spend();
      untilStored?.(work);
      return work;
    };
    return { current, renew: current };
  };
  const draining = new AbortController();
  const read: Read = async function* (_plan, { credential }) {
    await credential.current();
    yield pageOf([{ id: 'a' }], 1);
  };
  const ended = world.handler(read, { credentials })(await world.claim(runId, { draining: draining.signal }));
  await spent.promise;
  draining.abort();
  await expect.poll(async () => (await world.run(runId))['status']).toBe('waiting');
  answered.resolve();
  expect(await ended).toMatchObject({ kind: 'snooze' });
  expect(heldAfterwards).toHaveLength(1);
});

test('a credential that does not open parks the integration: only a person can bring another', async () => {
  const world = await createSyncWorld(database);
  const { outcome } = await world.sync(failing(new AppError('vault.open_failed', 'does not open')));
  expect(outcome).toMatchObject({ kind: 'completed', result: { parked: 'integration' } });
});
