// Opening a credential leaves a line in its chain first: which run or job, why, under which key. What does not open where it
// was found is told as an alarm, because a ciphertext in the wrong place is an attack or a broken restore.

import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import type { Secret } from '../core/secret.ts';
import type { AnyConnector, OAuthApp } from '../connectors/contract/connector.ts';
import type { Database } from '../db/database.ts';
import { noteOpening, type OpeningReason } from '../store/credential-openings.ts';
import type { SealedColumns, StoredCredential } from '../store/credentials.ts';
import type { ExchangePart } from '../store/exchange-secrets.ts';
import { loadOAuthApp } from '../store/oauth-apps.ts';
import { noteSecurityEvent } from '../store/security-logs.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { CredentialVault, OpenCredential } from './credential-vault.ts';
import type { ExchangePlace } from './exchange-vault.ts';

export interface OpeningDeps {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly vault: CredentialVault;
  readonly clock: Clock;
  readonly log: EventLog;
}

/** For whom something is opened. */
export interface OpeningJob {
  readonly integrationId: string;
  readonly connector: AnyConnector;
  /** Lease of the user whose credential this is. */
  readonly leaseToken: string;
  /** The run that needs it; null for work without one. */
  readonly runId: string | null;
  readonly reason: OpeningReason;
}

interface Sealed {
  readonly keyId: string;
  readonly version: number;
}

/** Throws `sync.lease_lost`: who holds no lease opens nothing. */
async function note({ db }: OpeningDeps, job: OpeningJob, { keyId, version }: Sealed): Promise<void> {
  const { integrationId, runId, reason, leaseToken } = job;
  const isHeld = await db.tx({ kind: 'lease', token: leaseToken }, (tx) =>
    noteOpening(tx, { integrationId, runId, reason, keyId, version }),
  );
  if (!isHeld) throw new AppError('sync.lease_lost', 'expected to hold the lease of this user, it was revoked');
}

async function opened<T>(deps: OpeningDeps, job: OpeningJob, open: () => T): Promise<T> {
  try {
    return open();
  } catch (error) {
    if (error instanceof AppError && error.code === 'vault.open_failed') {
      const { integrationId, connector, runId } = job;
      const details = { platform: connector.platform, reason: job.reason, runId };
      deps.log.emit('vault.open_refused', { integrationId, ...details });
      await noteSecurityEvent(deps.db, {
        at: deps.clock.now(),
        event: 'credential.open_refused',
        integrationId,
        details,
      });
    }
    throw error;
  }
}

/** Throws `vault.*`, `credential.invalid`, `sync.lease_lost`. */
export async function openStored(
  deps: OpeningDeps,
  job: OpeningJob,
  stored: StoredCredential,
): Promise<OpenCredential> {
  await note(deps, job, stored);
  return await opened(deps, job, () => deps.vault.open(stored, job.connector));
}

/** Our app at the job's platform. Throws as `openStored`, and `credential.missing` when none is stored. */
export async function openPlatformApp(deps: OpeningDeps, job: OpeningJob): Promise<OAuthApp> {
  const { platform } = job.connector;
  const stored = await deps.db.tx({ kind: 'lease', token: job.leaseToken }, (tx) => loadOAuthApp(tx, platform));
  if (stored === null) {
    throw new AppError(
      'credential.missing',
      `expected the OAuth app of ${platform} (tidemark integrations oauth-app), found none`,
    );
  }
  const own: OpeningJob = { ...job, reason: 'oauth_app' };
  await note(deps, own, stored);
  return await opened(deps, own, () => deps.vault.openApp(stored));
}

/** A part of an exchange, opened for the integration that the job is about. Throws as `openStored`. */
export async function openExchangePart(
  deps: OpeningDeps,
  job: OpeningJob,
  {
    place,
    part,
    sealed,
  }: { readonly place: ExchangePlace; readonly part: ExchangePart; readonly sealed: SealedColumns },
): Promise<Secret> {
  const own: OpeningJob = { ...job, reason: 'exchange' };
  await note(deps, own, { keyId: sealed.keyId, version: 1 });
  return await opened(deps, own, () => deps.vault.openPart(place, part, sealed));
}
