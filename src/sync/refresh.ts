// The fenced refresh of an OAuth credential. A refresh token is spent once: the intent is written before the call, the
// new pair is stored against the version it replaces before anybody uses it, and everyone else waits for that version.
//
//   idle ──announce──► announced ──new pair, version + 1──► idle
//                          │ ├── refused or never sent ───► idle
//                          │ └── no answer, or the worker died ──► in_doubt ──old token still honoured──► idle
//                          │                                           └── refused ──► "rotation in doubt: reconnect"

import { sleep } from '../core/async.ts';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { Auth } from '../connectors/contract/connector.ts';
import type { Queryable, TxScope } from '../db/database.ts';
import type { HttpClient } from '../http/http-client.ts';
import {
  announceRefresh,
  endRefresh,
  holdsLease,
  loadCredential,
  replaceCredential,
  type StoredCredential,
} from '../store/credentials.ts';
import type { OpenCredential } from './credential-vault.ts';
import { openPlatformApp, openStored, type OpeningDeps, type OpeningJob } from './open-credential.ts';
import { createKnownSecrets } from './known-secrets.ts';
import { persistSpent, SPEND_MS } from './persist-spent.ts';
import { judgeFailure, type RefreshFailure } from './refresh-failure.ts';

export interface RefreshDeps extends OpeningDeps {
  readonly egressId: string;
}

export interface RefreshJob extends OpeningJob {
  readonly workerId: string;
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  /** Told of work that may spend the refresh token: the lease must stand until it has ended. */
  readonly untilStored?: (work: Promise<unknown>) => void;
}

type OAuth = Extract<Auth<unknown>, { kind: 'oauth2' }>;
type Turn = { readonly kind: 'mine' | 'wait'; readonly stored: StoredCredential };

const POLL_MS = 150;
/** Longer than any token endpoint is given; whoever waits gives up then and is retried as a job. */
const PATIENCE_MS = 90_000;

const inDoubt = (): AppError =>
  new AppError(
    'credential.rotation_in_doubt',
    'rotation in doubt: reconnect the account (a refresh was sent and its answer was lost)',
  );

/** A newer credential than `knownVersion`; spends the refresh token if nobody else does. */
export async function refreshCredential(
  deps: RefreshDeps,
  job: RefreshJob,
  knownVersion: number,
): Promise<OpenCredential> {
  const { auth } = job.connector;
  if (auth.kind !== 'oauth2')
    throw new AppError('platform.unauthorized', `${job.connector.displayName} refused the credential`);
  const giveUpAt = deps.clock.mono() + PATIENCE_MS;
  while (deps.clock.mono() < giveUpAt) {
    job.signal.throwIfAborted();
    const turn = tryTurn(deps, job, auth, knownVersion);
    job.untilStored?.(turn);
    const credential = await turn;
    if (credential !== null) return credential;
    await sleep(POLL_MS, job.signal);
  }
  throw new AppError(
    'platform.unavailable',
    'waited for another worker’s refresh of this credential and it did not end',
  );
}

/** Null: somebody else is at it. */
async function tryTurn(
  deps: RefreshDeps,
  job: RefreshJob,
  auth: OAuth,
  knownVersion: number,
): Promise<OpenCredential | null> {
  const { kind, stored } = await takeTurn(deps, job, knownVersion);
  if (stored.version > knownVersion) return await openStored(deps, job, stored);
  return kind === 'mine' ? await spend(deps, job, auth, stored) : null;
}

/** The stored credential. Throws `credential.missing`, or `sync.lease_lost` when the lease shows nothing any more. */
export async function requireCredential(
  tx: Queryable,
  integrationId: string,
  lock: 'lock' | 'read' = 'read',
): Promise<StoredCredential> {
  const stored = await loadCredential(tx, integrationId, lock);
  if (stored !== null) return stored;
  if (await holdsLease(tx)) throw new AppError('credential.missing', 'expected a stored credential, found none');
  throw new AppError('sync.lease_lost', 'expected to hold the lease of this user, it was revoked');
}

/** Under the row's lock: is there a newer one, is somebody at it, or is it our turn? */
async function takeTurn({ db }: RefreshDeps, job: RefreshJob, knownVersion: number): Promise<Turn> {
  return await db.tx(leaseScope(job), async (tx) => {
    const stored = await requireCredential(tx, job.integrationId, 'lock');
    if (stored.version > knownVersion || stored.refresh === 'announced') return { kind: 'wait', stored };
    // One broken account must not become a storm of attempts, whoever asks.
    if (stored.cooldownMs > 0) {
      const message = `the last refresh of this credential failed: the next attempt is allowed in ${stored.cooldownMs} ms`;
      throw new AppError('platform.unavailable', message, { retryAfterMs: stored.cooldownMs });
    }
    await announceRefresh(tx, job.integrationId, job.workerId);
    return { kind: 'mine', stored };
  });
}

async function spend(
  deps: RefreshDeps,
  job: RefreshJob,
  auth: OAuth,
  stored: StoredCredential,
): Promise<OpenCredential> {
  const secrets = createKnownSecrets();
  let asked = false;
  let renewed: unknown;
  try {
    const app = await openPlatformApp(deps, job);
    const credential = (await openStored(deps, { ...job, reason: 'refresh' }, stored)).value;
    secrets.learn(app.clientSecret);
    secrets.learn(credential);
    const { http } = job;
    const signal = AbortSignal.timeout(SPEND_MS);
    asked = true;
    renewed = await auth.refresh({ credential, app, http, signal, now: deps.clock.now(), egressId: deps.egressId });
  } catch (error) {
    return await giveBack(deps, job, stored, { error: secrets.mask(error), asked });
  }
  return await store(deps, job, stored, { value: renewed, expiresAt: auth.expiresAt(renewed) });
}

/** Stores the new pair. When the stored version has moved on meanwhile, that one is the answer. */
async function store(
  deps: RefreshDeps,
  job: RefreshJob,
  stored: StoredCredential,
  renewed: { readonly value: unknown; readonly expiresAt: Date | null },
): Promise<OpenCredential> {
  const { integrationId, connector } = job;
  const target = { ...stored, version: stored.version + 1, expiresAt: renewed.expiresAt };
  const next = deps.vault.seal(target, new Secret(renewed.value), connector.platform);
  const newer = await persistSpent(deps, job.leaseToken, async (tx) =>
    (await replaceCredential(tx, next)) ? null : await requireCredential(tx, integrationId),
  );
  // Somebody reconnected the account meanwhile; or it is ours, and only the answer to our commit was lost.
  if (newer !== null) return await openStored(deps, job, newer);
  deps.log.emit('credential.refreshed', { integrationId, version: next.version });
  return { value: new Secret(renewed.value), version: next.version, expiresAt: next.expiresAt };
}

/** Ends the announced refresh after a failure; returns the credential when somebody else has brought a newer one. */
async function giveBack(
  deps: RefreshDeps,
  job: RefreshJob,
  stored: StoredCredential,
  failure: RefreshFailure,
): Promise<OpenCredential> {
  const { integrationId, workerId } = job;
  const { lost, cooldown } = judgeFailure(failure);
  const { version } = stored;
  const wasInDoubt = stored.refresh === 'in_doubt';
  const latest = await persistSpent(deps, job.leaseToken, async (tx) => {
    // A doubt ends with a new pair only: a failure afterwards says nothing about the answer that was lost before.
    await endRefresh(tx, { integrationId, version, workerId, inDoubt: lost || wasInDoubt, cooldown });
    return await loadCredential(tx, integrationId);
  });
  if (latest !== null && latest.version > version) return await openStored(deps, job, latest);
  const { error } = failure;
  if (!wasInDoubt || !(error instanceof AppError && error.code === 'credential.grant_dead')) throw error;
  // The platform no longer honours the old token and the new one was lost with the worker that spent it.
  deps.log.emit('credential.rotation_in_doubt', { integrationId, version });
  throw inDoubt();
}

function leaseScope({ leaseToken }: RefreshJob): TxScope {
  return { kind: 'lease', token: leaseToken };
}
