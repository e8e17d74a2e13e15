import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { AnyConnector } from '../../src/connectors/contract/connector.ts';
import { reportOf } from '../../src/core/errors.ts';
import type { Secret } from '../../src/core/secret.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import type { JobContext } from '../../queues/port.ts';
import { createCredentialTestHandler } from '../../workers/credential-test.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { createRefreshWorld, type Connected, type RefreshWorld, type RefreshWorker } from '../support/refresh-world.ts';

const HOUR_MS = 3_600_000;

let world: RefreshWorld;
let sim: UpworkSimulator;

beforeAll(async () => {
  world = await createRefreshWorld();
});

beforeEach(async () => {
  sim = createUpworkSimulator({ tokens: { strictSingleUse: true } });
  await sim.start();
  onTestFinished(() => sim.stop());
});

/** The handler of `worker` at its job, as the consumer calls it. */
function handle(
  { deps, job, jobId }: RefreshWorker,
  { integrationId, userId }: Connected,
  connector: AnyConnector = upwork,
) {
  const handler = createCredentialTestHandler({
    ...deps,
    connectors: new Map([['upwork', connector]]),
    httpFor: () => job.http,
  });
  const { signal, workerId } = job;
  const context: JobContext<'credential.test'> = {
    jobId,
    kind: 'credential.test',
    queue: 'maintenance',
    payload: { integrationId },
    userId,
    workClass: 'interactive',
    attempt: 1,
    takeovers: 0,
    workerId,
    signal,
    draining: signal,
    log: deps.log,
    progress: () => undefined,
  };
  return handler(context);
}

test('working credentials are answered with the account they belong to', async () => {
  const to = await world.connect(sim, 20 * HOUR_MS);
  expect(await handle(await world.worker(sim, to), to)).toEqual({
    kind: 'completed',
    result: {
      ok: true,
      account: { externalAccountId: to.added.account.id, displayName: expect.any(String) as string },
    },
  });
});

test('an expired access token is refreshed first', async () => {
  const to = await world.connect(sim);
  expect(await handle(await world.worker(sim, to), to)).toMatchObject({ kind: 'completed', result: { ok: true } });
  expect(await world.credential(to)).toMatchObject({ version: 2 });
});

test('a revoked grant is a result that says so, and parks nothing', async () => {
  const to = await world.connect(sim);
  sim.oauth.revoke(to.added.account.id);
  const outcome = await handle(await world.worker(sim, to), to);
  expect(outcome).toMatchObject({ kind: 'completed', result: { ok: false, error: { code: 'credential.grant_dead' } } });
  const [row] = await world.database.asSuperuser('select status from integrations where id = $1', [to.integrationId]);
  expect(row).toEqual({ status: 'connected' });
});

test('another user’s integration does not exist for this job', async () => {
  const [mine, theirs] = [await world.connect(sim, 20 * HOUR_MS), await world.connect(sim, 20 * HOUR_MS)];
  const outcome = await handle(await world.worker(sim, mine), { ...mine, integrationId: theirs.integrationId });
  expect(outcome).toMatchObject({ kind: 'completed', result: { ok: false, error: { code: 'not_found' } } });
});

test.for(['test', 'refresh'] as const)(
  'what a connector throws that is no error (%s) tells no token',
  async (where) => {
    let texts: readonly unknown[] = [];
    const quote = (credential: Secret<unknown>): never => {
      texts = Object.values(credential.reveal() as object).filter(
        (text) => typeof text === 'string' && text.length > 8,
      );
      throw texts.join(' ') as unknown as Error;
    };
    const auth = upwork.auth as Extract<AnyConnector['auth'], { kind: 'oauth2' }>;
    const refresh: typeof auth.refresh = ({ credential }) => Promise.resolve().then(() => quote(credential));
    const evil: AnyConnector = {
      ...upwork,
      auth: where === 'test' ? auth : { ...auth, refresh },
      test: async ({ credential }) => quote(await credential.current()),
    };
    const to = await world.connect(sim, where === 'test' ? 20 * HOUR_MS : undefined);
    const outcome = await handle(await world.worker(sim, to), to, evil).catch(reportOf);
    expect(texts.length).toBeGreaterThan(1);
    // When it ends is no secret.
    const secrets = texts.filter((text) => !/^\d{4}-\d\d-\d\dT/.test(String(text)));
    for (const text of secrets) expect(JSON.stringify(outcome)).not.toContain(text);
    expect(JSON.stringify(outcome)).toContain('[secret]');
  },
);
