// One program of a tenant in two worlds: in one the other tenant does nothing, in the other he does things in between. Both
// worlds answer the same, word for word and header for header, once ids and instants are named by when they first appear.

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { apiQueue, openApi, type Answer } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { openProducer } from '../support/producer.ts';
import {
  learn,
  NAMES,
  NO_ID,
  openTenant,
  request,
  strangers,
  targetsOf,
  type Asked,
  type Targets,
  type Tenant,
  type Whose,
} from '../support/tenant-program.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const operator = await openApi(db, apiQueue(db, engine.driver), { whenOver: afterAll });
const producer = await openProducer(engine.address.databaseUrl, engine.asSuperuser);

interface Step extends Asked {
  readonly by: 'A' | 'B';
  readonly door: 'api' | 'sql';
}

/** The other's, as far as he has something; one that does nothing has no runs and jobs. */
function targetsFor({ whose }: Asked, tenant: Tenant, other: Tenant): Targets {
  if (whose === 'own') return targetsOf(tenant);
  if (whose === 'nobody') return strangers();
  const { runId, jobId, ...rest } = targetsOf(other);
  const known = (id: string): string => (id === NO_ID ? randomUUID() : id);
  return { ...rest, runId: known(runId), jobId: known(jobId) };
}

const UNLIKE = new Set(['date', 'content-length']);

/** Names ids by when they first appear; what was sent of others is one word, since the other may have had more of it. */
function nameIds(text: string, tenant: Tenant): string {
  const names = new Map<string, string>();
  const nameOf = (id: string): string => {
    if (tenant.sent.has(id)) return '<foreign>';
    if (!names.has(id)) names.set(id, `<${names.size}>`);
    return names.get(id)!;
  };
  return text
    .replaceAll(/canary-[AB]-[0-9a-f]{8}/g, '<word>')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, nameOf)
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<instant>');
}

function lineOf(step: Step, { status, headers, body }: Answer): string {
  const sent = [...headers].filter(([name]) => !UNLIKE.has(name));
  // A cursor is a place: instants and ids in another form.
  const shown = JSON.stringify(body, (key, value: unknown) =>
    key === 'nextCursor' && typeof value === 'string' ? Buffer.from(value, 'base64url').toString() : value,
  );
  return `${step.name} of ${step.whose}: ${status} ${JSON.stringify(sent)} ${shown}`;
}

async function take(step: Step, tenant: Tenant, other: Tenant): Promise<string> {
  const targets = targetsFor(step, tenant, other);
  if (step.whose !== 'own') for (const id of Object.values(targets)) tenant.sent.add(id);
  if (step.door === 'sql') {
    const { integrationId } = targets;
    tenant.jobIds.push(await producer.call('credential.refresh', { integrationId }, { user_id: tenant.userId }));
    return 'by SQL';
  }
  const answer = await request(tenant, step, targets);
  if (step.whose === 'own') learn(tenant, step.name, answer);
  else if (typeof answer.body['jobId'] === 'string') tenant.jobIds.push(answer.body['jobId']);
  return lineOf(step, answer);
}

/** What A is answered, and what he sees at the end. */
async function answersOf(program: readonly Step[], who: 'A alone' | 'both'): Promise<string> {
  const [a, b] = [await openTenant(db, operator, 'A'), await openTenant(db, operator, 'B')];
  const lines = [];
  for (const step of program) {
    if (step.by === 'A') lines.push(await take(step, a, b));
    else if (who === 'both') await take(step, b, a);
  }
  for (const name of ['listUsers', 'listIntegrations', 'listRuns', 'listJobs'])
    lines.push(await take({ by: 'A', door: 'api', name, whose: 'own', variant: 0 }, a, b));
  return nameIds(lines.join('\n'), a);
}

const api = (by: 'A' | 'B', name: string, whose: Whose, variant = 0): Step => ({
  by,
  door: 'api',
  name,
  whose,
  variant,
});

const steps = fc.array(
  fc.record({
    by: fc.constantFrom('A' as const, 'B' as const),
    door: fc.oneof(
      { weight: 8, arbitrary: fc.constant('api' as const) },
      { weight: 1, arbitrary: fc.constant('sql' as const) },
    ),
    name: fc.constantFrom(...NAMES),
    whose: fc.constantFrom<Whose>('own', 'other', 'nobody'),
    variant: fc.nat(3),
  }),
  { minLength: 12, maxLength: 24 },
);

/** Both take the same key, look at each other's, and the other meddles with what he can name. */
const meddling: readonly Step[] = [
  api('B', 'enqueueJob', 'own'),
  api('B', 'enqueueJobs', 'own'),
  api('A', 'enqueueJob', 'own'),
  api('A', 'enqueueJobs', 'own'),
  api('A', 'syncIntegration', 'own'),
  api('B', 'syncIntegration', 'own'),
  api('B', 'enqueueJob', 'other', 2),
  api('B', 'cancelJob', 'own'),
  api('A', 'getRun', 'own'),
  api('A', 'listRuns', 'other'),
  api('A', 'listJobs', 'other', 2),
  api('A', 'cancelRun', 'own'),
  api('B', 'removeIntegration', 'own'),
  api('A', 'getIntegration', 'other'),
];

test('a tenant is answered the same whether the other does something or nothing', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      const alone = await answersOf(program, 'A alone');
      expect(await answersOf(program, 'both')).toBe(alone);
    }),
    { numRuns: 10, endOnFailure: true, examples: [[[...meddling]]] },
  );
});
