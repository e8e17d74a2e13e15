import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { completed } from '../../queues/outcome.ts';
import { listIntegrations } from '../../src/store/integrations.ts';
import { harnessOn } from '../conformance/queue/harness.ts';
import { apiQueue, openApi } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { UPWORK_STREAMS } from '../support/upwork-streams.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const call = await openApi(db, apiQueue(db, engine.driver), { whenOver: afterAll });

const CANARY = 'canary-5up3r-53cr3t';
const credentials = {
  access_token: `${CANARY}-access`,
  refresh_token: `${CANARY}-refresh`,
  expires_at: '2099-01-01T00:00:00Z',
};
const settings = { saved_searches: [{ name: 'node', query: 'node.js' }] };

async function newUser(): Promise<string> {
  const { body } = await call('POST', '/v1/users', { email: `${randomUUID()}@example.com`, name: 'Ada' });
  return body['id'] as string;
}

async function connect(over: object = {}): Promise<string> {
  const userId = await newUser();
  const { status, body } = await call('POST', '/v1/integrations', {
    userId,
    platform: 'upwork',
    credentials,
    settings,
    ...over,
  });
  expect(status).toBe(201);
  return body['id'] as string;
}

describe('users', () => {
  test('are made, read, changed, listed page by page and removed', async () => {
    const ids = [await newUser(), await newUser(), await newUser()];
    const changed = await call('PATCH', `/v1/users/${ids[0]!}`, { timezone: 'Europe/Berlin', isActive: false });
    expect(changed.body).toMatchObject({ timezone: 'Europe/Berlin', isActive: false, name: 'Ada' });
    expect((await call('GET', `/v1/users/${ids[0]!}`)).body).toEqual(changed.body);
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await call('GET', `/v1/users?limit=1${cursor}`);
      seen.push(...(body['items'] as { id: string }[]).map(({ id }) => id));
      cursor = typeof body['nextCursor'] === 'string' ? `&cursor=${body['nextCursor']}` : '';
    } while (cursor !== '');
    expect(seen).toEqual(expect.arrayContaining(ids));
    expect(new Set(seen).size).toBe(seen.length);
    expect((await call('DELETE', `/v1/users/${ids[0]!}`)).status).toBe(204);
    expect((await call('GET', `/v1/users/${ids[0]!}`)).status).toBe(404);
    expect((await call('DELETE', `/v1/users/${ids[0]!}`)).status).toBe(404);
  });

  test.for([
    [{ timezone: 'Mars/Olympus' }, 'IANA'],
    [{ reportingCurrency: 'euro' }, 'ISO 4217'],
    [{ email: 'no-address' }, 'e-mail'],
  ] as const)('%j is refused with what was expected', async ([over, expected]) => {
    const answer = await call('POST', '/v1/users', { email: `${randomUUID()}@example.com`, name: 'Ada', ...over });
    expect(answer.status).toBe(400);
    expect(answer.body['detail']).toContain(expected);
  });

  test('an address that is taken is refused', async () => {
    const email = `${randomUUID()}@example.com`;
    await call('POST', '/v1/users', { email, name: 'Ada' });
    expect((await call('POST', '/v1/users', { email: email.toUpperCase(), name: 'Eve' })).status).toBe(400);
  });
});

describe('integrations', () => {
  test('are connected with sealed credentials that come out nowhere', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { userId: await newUser(), platform: 'upwork', credentials, settings };
    const first = await call('POST', '/v1/integrations', body, key);
    const again = await call('POST', '/v1/integrations', body, key);
    expect(again.body).toEqual(first.body);
    const id = first.body['id'] as string;
    expect(first.body).toMatchObject({ platform: 'upwork', status: 'connected', settings });
    const shown = await call('GET', `/v1/integrations/${id}`);
    expect((shown.body['streams'] as { stream: string }[]).map(({ stream }) => stream)).toEqual(
      UPWORK_STREAMS.toSorted(),
    );
    expect((await db.tx({ kind: 'ops' }, (tx) => listIntegrations(tx, { userId: body.userId }))).length).toBe(1);
    expect((await call('PUT', `/v1/integrations/${id}/credentials`, { credentials })).body).toEqual({ version: 2 });
    const tables = ['integrations', 'integration_credentials', 'idempotency_keys', 'audit_logs', 'integration_streams'];
    for (const table of tables) {
      const rows = await engine.asSuperuser<{ row: string }>(`select t::text as row from ${table} t`);
      expect(
        rows.filter(({ row }) => row.includes(CANARY) || row.includes(Buffer.from(CANARY).toString('hex'))),
      ).toEqual([]);
    }
    expect(JSON.stringify([first.body, again.body, shown.body])).not.toContain(CANARY);
  });

  test.for([
    [{ platform: 'myspace' }, 'expected a platform of'],
    [{ credentials: { access_token: CANARY } }, 'credentials: '],
    [{ credentials: { ...credentials, extra: CANARY } }, 'credentials: '],
    [{ settings: { unheard: 1 } }, 'settings: '],
    [{ schedule: { intervalMinutes: 5, cron: '0 * * * *', timezone: 'UTC' } }, 'either an interval or a cron'],
    [{ schedule: { cron: 'whenever', timezone: 'UTC' } }, 'cron expression'],
    [{ userId: randomUUID() }, 'existing user'],
  ] as const)('%j is refused, and no credential is quoted', async ([over, expected]) => {
    const body = { userId: await newUser(), platform: 'upwork', credentials, settings, ...over };
    const { status, body: problem } = await call('POST', '/v1/integrations', body);
    expect(status).toBe(400);
    expect(problem['detail']).toContain(expected);
    expect(JSON.stringify(problem)).not.toContain(CANARY);
  });

  test('schedules, pauses and streams are changed under the rules of the command line', async () => {
    const id = await connect();
    const scheduled = await call('PUT', `/v1/integrations/${id}/schedule`, {
      cron: '0 6 * * *',
      timezone: 'Europe/Berlin',
    });
    expect(scheduled.body).toMatchObject({ cron: '0 6 * * *', intervalMinutes: null });
    expect((await call('POST', `/v1/integrations/${id}/pause`)).body).toEqual({ changed: true });
    expect((await call('POST', `/v1/integrations/${id}/pause`)).body).toEqual({ changed: false });
    expect((await call('POST', `/v1/integrations/${id}/sync`)).status).toBe(400);
    expect((await call('POST', `/v1/integrations/${id}/resume`)).body).toEqual({ changed: true });
    const stream = `/v1/integrations/${id}/streams/jobs`;
    expect((await call('PATCH', stream, { schedule: { intervalMinutes: 7 }, enabled: false })).body).toMatchObject({
      intervalMinutes: 7,
      cron: null,
      enabled: false,
    });
    expect((await call('PATCH', stream, {})).status).toBe(400);
    expect((await call('PATCH', `/v1/integrations/${id}/streams/nothing`, { enabled: true })).status).toBe(404);
    expect((await call('POST', `${stream}/reset`)).body).toMatchObject({ lastFullAt: null });
    expect((await call('DELETE', `/v1/integrations/${id}`)).status).toBe(204);
    expect((await call('GET', stream.replace('/jobs', ''))).status).toBe(404);
  });

  test('a schedule that says nothing stands for the one above it', async () => {
    const id = await connect();
    const intervals = async (): Promise<Record<string, number | null>> => {
      const { body } = await call('GET', `/v1/integrations/${id}/streams`);
      const items = body['items'] as { stream: string; intervalMinutes: number | null }[];
      return Object.fromEntries(items.map(({ stream, intervalMinutes }) => [stream, intervalMinutes]));
    };
    const all = (minutes: number) => Object.fromEntries(UPWORK_STREAMS.map((stream) => [stream, minutes]));
    const defaults = await intervals();
    expect(defaults).toEqual({
      profile: 1_440,
      jobs: 15,
      proposals: 30,
      contracts: 360,
      time_entries: 360,
      transactions: 1_440,
      rooms: 10,
      messages: 10,
      offers: 60,
    });
    await call('PUT', `/v1/integrations/${id}/schedule`, { intervalMinutes: 90 });
    expect(await intervals()).toEqual(all(90));
    await call('PATCH', `/v1/integrations/${id}/streams/jobs`, { schedule: { intervalMinutes: 7 } });
    expect(await intervals()).toEqual({ ...all(90), jobs: 7 });
    await call('PATCH', `/v1/integrations/${id}/streams/jobs`, { schedule: {} });
    expect(await intervals()).toEqual({ ...all(90), jobs: null });
    await call('PUT', `/v1/integrations/${id}/schedule`, {});
    expect(await intervals()).toEqual(defaults);
  });

  test('streams of one schedule do not all fire at the same instant', async () => {
    const id = await connect();
    await call('PUT', `/v1/integrations/${id}/schedule`, { intervalMinutes: 10_000 });
    const { body } = await call('GET', `/v1/integrations/${id}`);
    const streams = body['streams'] as { nextSyncAt: string }[];
    expect(new Set(streams.map(({ nextSyncAt }) => nextSyncAt)).size).toBe(UPWORK_STREAMS.length);
    expect(body['nextSyncAt']).toBe(streams.map(({ nextSyncAt }) => nextSyncAt).sort()[0]);
  });

  test('are listed by user, platform and status, page by page', async () => {
    const id = await connect();
    const { body } = await call('GET', `/v1/integrations/${id}`);
    const mine = `/v1/integrations?userId=${body['userId'] as string}`;
    const itemsOf = async (path: string) =>
      ((await call('GET', path)).body['items'] as { id: string }[]).map((it) => it.id);
    expect(await itemsOf(mine)).toEqual([id]);
    expect(await itemsOf(`${mine}&platform=upwork&status=connected`)).toEqual([id]);
    expect(await itemsOf(`${mine}&status=error`)).toEqual([]);
    expect(await itemsOf(`${mine}&platform=myspace`)).toEqual([]);
    expect((await call('GET', `${mine}&status=unheard`)).status).toBe(400);
  });

  test.for([
    ['ok', { ok: true, account: { externalAccountId: 'a1', displayName: 'Ada' } }],
    ['refused', { ok: false, error: { code: 'platform.unauthorized', kind: 'auth', message: 'the platform refused' } }],
  ] as const)('a test of the credentials is answered %s when a worker has done it', async ([outcome, result]) => {
    const id = await connect();
    const h = harnessOn(engine);
    await h.consume((job) => Promise.resolve(completed(job.kind === 'credential.test' ? result : undefined)));
    const { status, body } = await call('POST', `/v1/integrations/${id}/test`);
    expect([status, body]).toMatchObject([
      200,
      { outcome, ...('account' in result ? { account: result.account } : { error: result.error }) },
    ]);
  });
});

describe('syncs and runs', () => {
  test('a sync is one run per stream, and again the same runs while they wait', async () => {
    const id = await connect();
    const first = await call('POST', `/v1/integrations/${id}/sync`);
    expect(first.status).toBe(202);
    const runs = first.body['runs'] as { runId: string; coalesced: boolean }[];
    expect(runs).toHaveLength(UPWORK_STREAMS.length);
    const second = await call('POST', `/v1/integrations/${id}/sync`, { stream: 'jobs', full: true });
    expect(second.body['runs']).toMatchObject([{ stream: 'jobs', coalesced: true }]);
    const listed = await call('GET', `/v1/runs?integrationId=${id}&limit=5`);
    const rest = await call(
      'GET',
      `/v1/runs?integrationId=${id}&limit=5&cursor=${listed.body['nextCursor'] as string}`,
    );
    const ids = [...(listed.body['items'] as { id: string }[]), ...(rest.body['items'] as { id: string }[])].map(
      (run) => run.id,
    );
    expect([...ids].sort()).toEqual(runs.map(({ runId }) => runId).sort());
    expect(rest.body['nextCursor']).toBeNull();
    expect((await call('GET', `/v1/runs/${ids[0]!}`)).body).toMatchObject({
      status: 'queued',
      percent: null,
      trigger: 'api',
    });
    expect((await call('POST', `/v1/runs/${ids[0]!}/cancel`)).body).toEqual({ changed: true });
    expect((await call('GET', `/v1/runs/${ids[0]!}`)).body).toMatchObject({ status: 'cancelled' });
    expect((await call('POST', `/v1/integrations/${id}/sync`, { stream: 'nothing' })).status).toBe(404);
  });

  test('a backfill is a run over its window, once for the same Idempotency-Key', async () => {
    const id = await connect();
    const path = `/v1/integrations/${id}/streams/jobs/backfill`;
    const body = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T01:00:00+01:00' };
    const key = { 'idempotency-key': randomUUID() };
    const first = await call('POST', path, body, key);
    expect(first).toMatchObject({ status: 202, body: { stream: 'jobs', coalesced: false } });
    expect((await call('POST', path, body, key)).body).toEqual(first.body);
    const { body: run } = await call('GET', `/v1/runs/${first.body['runId'] as string}`);
    expect(run).toMatchObject({
      syncType: 'backfill',
      workClass: 'backfill',
      trigger: 'api',
      batchId: first.body['batchId'],
      window: { from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z' },
    });
    const other = await call('POST', path, { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' });
    expect(other).toMatchObject({ status: 202, body: { coalesced: true } });
    const third = await call('POST', path, { from: '2026-04-01T00:00:00Z', to: '2026-04-02T00:00:00Z' });
    expect(third).toMatchObject({ status: 409, body: { code: 'api.conflict' } });
    expect((await call('POST', `/v1/runs/${run['id'] as string}/cancel`)).body).toEqual({ changed: true });
  });

  test.for([
    [{}],
    [{ from: 'yesterday' }],
    [{ from: '2026-01-01' }],
    [{ from: '2999-01-01T00:00:00Z' }],
    [{ from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }],
    [{ from: `2026-01-01T00:00:00Z'; drop table sync_logs; --` }],
    [{ from: '2026-01-01T00:00:00Z', stream: 'profile' }],
  ] as const)('a backfill over %j is refused, and nothing is queued', async ([body]) => {
    const id = await connect();
    expect((await call('POST', `/v1/integrations/${id}/streams/jobs/backfill`, body)).status).toBe(400);
    expect((await call('GET', `/v1/runs?integrationId=${id}`)).body['items']).toEqual([]);
  });

  test('runs are found by batch, status and stream; their errors hold no secret', async () => {
    const id = await connect();
    const { body } = await call('POST', `/v1/integrations/${id}/sync`);
    const runs = body['runs'] as { stream: string; runId: string }[];
    const { runId } = runs.find(({ stream }) => stream === 'jobs')!;
    const error = { code: 'platform.unavailable', kind: 'transient', message: 'no', details: { access_token: CANARY } };
    await engine.asSuperuser(
      `update sync_logs set status = 'failed', started_at = now(), completed_at = now(), errors = $2, error_message = 'no'
       where id = $1`,
      [runId, JSON.stringify([error])],
    );
    const batch = `/v1/runs?batchId=${body['batchId'] as string}`;
    expect((await call('GET', batch)).body['items']).toHaveLength(UPWORK_STREAMS.length);
    const failed = await call('GET', `${batch}&status=failed&stream=jobs`);
    expect(failed.body['items']).toMatchObject([{ id: runId, errorMessage: 'no' }]);
    const shown = await call('GET', `/v1/runs/${runId}`);
    expect(shown.body).toMatchObject({ errors: [{ code: 'platform.unavailable', message: 'no' }] });
    expect(JSON.stringify([failed.body, shown.body])).not.toContain(CANARY);
    expect((await call('GET', `/v1/runs/${randomUUID()}`)).status).toBe(404);
  });

  test('a removed job takes its run along', async () => {
    const id = await connect();
    const { body } = await call('POST', `/v1/integrations/${id}/sync`, { stream: 'profile' });
    const [{ runId } = { runId: '' }] = body['runs'] as { runId: string }[];
    const queue = apiQueue(db, engine.driver);
    const [job] = await queue.list({ payload: { runId } });
    expect(await queue.remove(job!.id)).toBe(true);
    expect((await call('GET', `/v1/runs/${runId}`)).body).toMatchObject({ status: 'cancelled' });
  });
});
