// Two tenants and what one of them may ask of the API: every operation of the contract, about what is his own, the other's
// or nobody's.

import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { OPERATIONS } from '../../src/api/contract/operations.ts';
import type { Operation } from '../../src/api/contract/operation.ts';
import { SCOPES } from '../../src/core/scopes.ts';
import type { Database } from '../../src/db/database.ts';
import { insertApiToken } from '../../src/store/api-tokens.ts';
import { createToken, hashToken } from '../../src/vault/token.ts';
import { callerOf, type Answer, type ApiCaller } from './api-client.ts';

export interface Tenant {
  readonly name: 'A' | 'B';
  readonly userId: string;
  readonly call: ApiCaller;
  /** Of his account; replaced when he removes it. */
  integrationId: string;
  readonly runIds: string[];
  readonly jobIds: string[];
  /** What must never come to the other. */
  readonly words: Set<string>;
  /** Ids of the other that he sent himself: they may come back. */
  readonly sent: Set<string>;
}

const credentials = (word: string) => ({
  access_token: `${word}-access`,
  refresh_token: `${word}-refresh`,
  expires_at: '2099-01-01T00:00:00Z',
});

/** A user with an account and a token of his own, made by a token of the installation. */
export async function openTenant(db: Database, operator: ApiCaller, name: 'A' | 'B'): Promise<Tenant> {
  const word = `canary-${name}-${randomUUID().slice(0, 8)}`;
  const made = await operator('POST', '/v1/users', { email: `${word}@example.test`, name: word });
  const userId = made.body['id'] as string;
  const token = createToken().reveal();
  await insertApiToken(db, { name: word, userId, tokenHash: hashToken(token), scopes: [...SCOPES], expiresAt: null });
  const call = callerOf(operator.address, token);
  const account = await call('POST', '/v1/integrations', {
    userId,
    platform: 'upwork',
    credentials: credentials(word),
    settings: { saved_searches: [{ name: word, query: word }] },
    displayName: word,
  });
  expect(account.status).toBe(201);
  const integrationId = account.body['id'] as string;
  return {
    name,
    userId,
    call,
    integrationId,
    runIds: [],
    jobIds: [],
    words: new Set([word, userId, integrationId]),
    sent: new Set(),
  };
}

export type Whose = 'own' | 'other' | 'nobody';

export interface Asked {
  readonly name: string;
  readonly whose: Whose;
  readonly variant: number;
}

export interface Targets {
  readonly userId: string;
  readonly integrationId: string;
  readonly runId: string;
  readonly jobId: string;
}

export function targetsOf(tenant: Tenant): Targets {
  const { userId, integrationId, runIds, jobIds } = tenant;
  return { userId, integrationId, runId: runIds.at(-1) ?? NO_ID, jobId: jobIds.at(-1) ?? NO_ID };
}

export const NO_ID = '01890000-0000-7000-8000-00000000000a';

export const strangers = (): Targets => ({
  userId: randomUUID(),
  integrationId: randomUUID(),
  runId: randomUUID(),
  jobId: randomUUID(),
});

/** Both use one unique key for their own; what is asked twice to compare has a key of its own each time. */
function bodyOf({ name, whose, variant }: Asked, { userId, integrationId, runId }: Targets): unknown {
  const uniqueKey = whose === 'own' ? 'the-same-key' : randomUUID();
  const bodies: Readonly<Record<string, readonly unknown[]>> = {
    createUser: [{ email: `${randomUUID()}@example.test`, name: 'N' }],
    updateUser: [{ name: 'Renamed' }, { timezone: 'Asia/Tokyo' }],
    createIntegration: [{ userId, platform: 'upwork', credentials: credentials('canary-new'), settings: {} }],
    replaceCredentials: [{ credentials: credentials('canary-next') }],
    setIntegrationSchedule: [{ intervalMinutes: 30 }, { cron: '0 * * * *', timezone: 'UTC' }],
    setStream: [{ enabled: true }, { unpark: true }],
    backfillStream: [{ from: '2026-01-01T00:00:00Z' }],
    syncIntegration: [{}, { stream: 'jobs' }, { full: true }],
    enqueueJob: [
      { kind: 'credential.refresh', payload: { integrationId }, uniqueKey },
      { kind: 'credential.test', payload: { integrationId }, userId },
      { kind: 'sync.run', payload: { runId } },
      { kind: 'metrics.rollup', payload: { userId, day: '2026-01-01' }, uniqueKey },
    ],
    enqueueJobs: [{ jobs: [{ kind: 'credential.refresh', payload: { integrationId }, uniqueKey }] }],
  };
  const choices = bodies[name];
  return choices?.[variant % choices.length];
}

/** What waits for a worker is not for here: nobody is there while a program runs. */
const LEFT_OUT = new Set(['testIntegration', 'runEvents']);
export const NAMES = Object.keys(OPERATIONS).filter((name) => !LEFT_OUT.has(name));

export async function request(tenant: Tenant, { name, whose, variant }: Asked, targets: Targets): Promise<Answer> {
  const { method, path } = (OPERATIONS as Readonly<Record<string, Operation>>)[name]!;
  const filled: Readonly<Record<string, string>> = { ...targets, stream: 'jobs', queue: 'maintenance' };
  const url = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => filled[key]!);
  const filter = name === 'listJobs' && variant > 1 ? `?userId=${targets.userId}` : '';
  const body = method === 'GET' || method === 'DELETE' ? undefined : (bodyOf({ name, whose, variant }, targets) ?? {});
  const key: Record<string, string> = variant === 3 ? { 'idempotency-key': `${tenant.name}-${randomUUID()}` } : {};
  return await tenant.call(method, url + filter, body, key);
}

/** What a tenant knows of his own from an answer: what he asks about next. */
export function learn(tenant: Tenant, name: string, { status, body }: Answer): void {
  if (status >= 300) return;
  // A worker is everybody's.
  const ids = [
    ...JSON.stringify(body, (key, value: unknown) => (key === 'workerId' ? null : value)).matchAll(
      /[0-9a-f]{8}-[0-9a-f-]{27}/g,
    ),
  ].map(([id]) => id);
  for (const id of ids) if (!tenant.sent.has(id)) tenant.words.add(id);
  for (const { runId } of (body['runs'] as { runId: string }[] | undefined) ?? []) tenant.runIds.push(runId);
  if (typeof body['jobId'] === 'string') tenant.jobIds.push(body['jobId']);
  if (name === 'createIntegration') tenant.integrationId = body['id'] as string;
}
