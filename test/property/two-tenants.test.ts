// Two tenants use everything at once: the API with tokens of their own, the SQL door by a service that acts for them, and a
// worker that runs their jobs and looks around under each lease. Whatever one of them does, the other sees exactly what he saw
// before; no answer to one holds a word of the other; and what belongs to the other answers like what never existed.

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/api/contract/operations.ts';
import type { Operation } from '../../src/api/contract/operation.ts';
import { acquireLease, releaseLease } from '../../src/store/stream-leases.ts';
import { completed } from '../../queues/outcome.ts';
import { harnessOn, type TestHandler } from '../conformance/queue/harness.ts';
import { apiQueue, openApi, type Answer } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { openProducer } from '../support/producer.ts';
import {
  learn,
  NAMES,
  openTenant,
  request,
  strangers,
  targetsOf,
  type Asked,
  type Targets,
  type Tenant,
  type Whose,
} from '../support/tenant-program.ts';
import { waitFor } from '../support/wait.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const operator = await openApi(db, apiQueue(db, engine.driver), { whenOver: afterAll });
const producer = await openProducer(engine.address.databaseUrl, engine.asSuperuser);
const harness = harnessOn(engine);

const tenants = { A: await openTenant(db, operator, 'A'), B: await openTenant(db, operator, 'B') };
const otherOf = ({ name }: Tenant): Tenant => tenants[name === 'A' ? 'B' : 'A'];

/** What the caller sent himself may come back. */
function withoutSent(answer: Answer, sent: Targets): string {
  let text = JSON.stringify(answer.body);
  for (const id of Object.values(sent)) text = text.replaceAll(id, '<sent>');
  return text;
}

const shapeOf = (answer: Answer, sent: Targets): string =>
  `${answer.status} ${withoutSent(answer, sent)
    .replaceAll(/<sent>|[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<instant>')}`;

/** Everything that a tenant can see without changing anything. */
async function seenBy(tenant: Tenant): Promise<string> {
  const targets = targetsOf(tenant);
  const answers = [];
  for (const name of NAMES) {
    if ((OPERATIONS as Readonly<Record<string, Operation>>)[name]!.method !== 'GET') continue;
    const { status, body } = await request(tenant, { name, whose: 'own', variant: 0 }, targets);
    answers.push(`${name} ${status} ${JSON.stringify(body)}`);
  }
  return answers.join('\n');
}

function assertNothingOf(other: Tenant, text: string, sent: ReadonlySet<string> = otherOf(other).sent): void {
  for (const word of other.words)
    if (!sent.has(word)) expect(text.includes(word), `${word} of ${other.name} in ${text}`).toBe(false);
}

interface ApiStep extends Asked {
  readonly by: 'A' | 'B';
  readonly door: 'api';
}
interface SqlStep {
  readonly by: 'A' | 'B';
  readonly door: 'sql';
  readonly whose: Whose;
}
type Step = ApiStep | SqlStep | { readonly by: 'A' | 'B'; readonly door: 'worker' };

async function byApi(tenant: Tenant, step: ApiStep): Promise<void> {
  const other = otherOf(tenant);
  const { name, whose } = step;
  if (whose === 'own') {
    const sent = targetsOf(tenant);
    const answer = await request(tenant, step, sent);
    assertNothingOf(other, JSON.stringify(answer.body));
    learn(tenant, name, answer);
    return;
  }
  const [theirs, nobodys] = [targetsOf(other), strangers()];
  for (const id of Object.values(theirs)) tenant.sent.add(id);
  const answer = await request(tenant, step, whose === 'other' ? theirs : nobodys);
  const twin = await request(tenant, step, whose === 'other' ? nobodys : theirs);
  const [sent, twinSent] = whose === 'other' ? [theirs, nobodys] : [nobodys, theirs];
  expect(shapeOf(answer, sent), name).toBe(shapeOf(twin, twinSent));
  // His own job, whatever it names: the next step may cancel it or try it again.
  const forged = (whose === 'other' ? answer : twin).body['jobId'];
  if (typeof forged === 'string') tenant.jobIds.push(forged);
  assertNothingOf(other, withoutSent(answer, sent) + withoutSent(twin, twinSent));
}

async function bySql(tenant: Tenant, { whose }: SqlStep): Promise<void> {
  const other = otherOf(tenant);
  const { integrationId } = whose === 'own' ? targetsOf(tenant) : whose === 'other' ? targetsOf(other) : strangers();
  if (whose === 'other') tenant.sent.add(integrationId);
  const id = await producer.call('credential.refresh', { integrationId }, { user_id: tenant.userId });
  tenant.words.add(id);
  tenant.jobIds.push(id);
}

/** A job looks for all that it can see under its lease, and says so in its result, which its tenant may read. */
const lookAround: TestHandler = async (job) => {
  const { jobId, workerId } = job;
  const token = await acquireLease(engine.databases.worker, jobId, workerId);
  if (token === null) return completed({ seen: 'nothing' });
  try {
    return await engine.databases.worker.tx({ kind: 'lease', token }, async (tx) => {
      const users = await tx.query('select id, email from users');
      const integrations = await tx.query('select id, display_name, settings from integrations');
      const runs = await tx.query('select id from sync_logs');
      return completed({ seen: [users.rows, integrations.rows, runs.rows] });
    });
  } finally {
    await releaseLease(engine.databases.worker, token);
  }
};

async function byWorker(): Promise<void> {
  const workerId = randomUUID();
  await engine.asSuperuser(`insert into workers (id, hostname, pid, concurrency) values ($1, 'test', 1, 1)`, [
    workerId,
  ]);
  const consumer = await harness.consume(lookAround, { workerId, queues: ['maintenance', 'sync-upwork'] });
  await waitFor(
    async () => {
      await harness.admission.admitDue();
      const rows = await engine.asSuperuser(`select from job_ledger where state <> 'dead' and run_at <= now()`);
      return rows.length === 0;
    },
    { what: 'an empty ledger' },
  );
  await consumer.stop();
}

async function take(step: Step): Promise<void> {
  const tenant = tenants[step.by];
  const other = otherOf(tenant);
  if (step.door === 'worker') return await byWorker();
  const before = await seenBy(other);
  await (step.door === 'api' ? byApi(tenant, step) : bySql(tenant, step));
  const after = await seenBy(other);
  expect(after).toBe(before);
  assertNothingOf(tenant, after);
}

const by = fc.constantFrom('A' as const, 'B' as const);
const whose = fc.constantFrom<Whose>('own', 'other', 'nobody');
const steps = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        by,
        door: fc.constant('api' as const),
        name: fc.constantFrom(...NAMES),
        whose,
        variant: fc.nat(3),
      }),
    },
    { weight: 2, arbitrary: fc.record({ by, door: fc.constant('sql' as const), whose }) },
    { weight: 1, arbitrary: fc.record({ by, door: fc.constant('worker' as const) }) },
  ),
  { minLength: 8, maxLength: 14 },
);

/** Each operation once, on what is the other's, after both have something to find. */
const tour: readonly Step[] = [
  { by: 'A', door: 'api', name: 'syncIntegration', whose: 'own', variant: 0 },
  { by: 'B', door: 'api', name: 'syncIntegration', whose: 'own', variant: 0 },
  { by: 'A', door: 'api', name: 'enqueueJob', whose: 'own', variant: 0 },
  { by: 'B', door: 'api', name: 'enqueueJob', whose: 'own', variant: 0 },
  { by: 'B', door: 'sql', whose: 'other' },
  { by: 'A', door: 'api', name: 'enqueueJob', whose: 'other', variant: 2 },
  { by: 'A', door: 'api', name: 'cancelJob', whose: 'own', variant: 0 },
  ...NAMES.map((name, index): Step => ({ by: 'A', door: 'api', name, whose: 'other', variant: index % 4 })),
  { by: 'B', door: 'worker' },
];

test('what is the other’s answers like what never existed, by every operation', async () => {
  for (const step of tour) await take(step);
});

test('no program of one tenant changes what the other sees, or shows one a word of the other', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      for (const step of program) await take(step);
    }),
    { numRuns: 8, endOnFailure: true },
  );
});

test('the check can fail: a token of the installation sees both', async () => {
  const seen = JSON.stringify((await operator('GET', '/v1/users')).body);
  expect(() => assertNothingOf(tenants.B, seen, new Set())).toThrow(tenants.B.userId);
});
