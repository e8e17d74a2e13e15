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
import type { Clock } from '../core/clock.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { AnyConnector, Auth, OAuthApp } from '../connectors/contract/connector.ts';
import type { Database, TxScope } from '../db/database.ts';
import type { HttpClient } from '../http/http-client.ts';
import {
  announceRefresh,
  endRefresh,
  loadCredential,
  replaceCredential,
  type StoredCredential,
} from '../store/credentials.ts';
import { loadOAuthApp } from '../store/oauth-apps.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { CredentialVault, OpenCredential } from './credential-vault.ts';

export interface RefreshDeps {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly vault: CredentialVault;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly egressId: string;
}

export interface RefreshJob {
  readonly integrationId: string;
  readonly connector: AnyConnector;
  /** Lease of the user whose credential this is. */
  readonly leaseToken: string;
  readonly workerId: string;
  readonly http: HttpClient;
  readonly signal: AbortSignal;
}

type OAuth = Extract<Auth<unknown>, { kind: 'oauth2' }>;
type Turn = { readonly kind: 'mine' | 'wait'; readonly stored: StoredCredential };

const POLL_MS = 150;
/** Longer than any token endpoint is given; whoever waits gives up then and is retried as a job. */
const PATIENCE_MS = 90_000;
const STORE_ATTEMPTS = 20;
const STORE_PAUSE_MS = 500;

/** Errors that are thrown before a byte left: the refresh token is certainly unspent. */
const NEVER_SENT = new Set([
  'platform.rate_limited',
  'http.egress_denied',
  'http.redirect_denied',
  'credential.missing',
  'vault.key_missing',
]);

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
    const { kind, stored } = await takeTurn(deps, job, knownVersion);
    if (stored.version > knownVersion) return deps.vault.open(stored, job.connector);
    if (kind === 'mine') return await spend(deps, job, auth, stored);
    await sleep(POLL_MS, job.signal);
  }
  throw new AppError(
    'platform.unavailable',
    'waited for another worker’s refresh of this credential and it did not end',
  );
}

/** Under the row's lock: is there a newer one, is somebody at it, or is it our turn? */
async function takeTurn({ db }: RefreshDeps, job: RefreshJob, knownVersion: number): Promise<Turn> {
  return await db.tx(leaseScope(job), async (tx) => {
    const stored = await loadCredential(tx, job.integrationId, 'lock');
    if (stored === null) throw new AppError('credential.missing', 'expected a stored credential, found none');
    if (stored.version > knownVersion || stored.refresh === 'announced') return { kind: 'wait', stored };
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
  const { db, vault, clock, log, egressId } = deps;
  let renewed: unknown;
  try {
    const app = await loadApp(deps, job);
    renewed = await auth.refresh({
      credential: vault.open(stored, job.connector).value,
      app,
      http: job.http,
      signal: job.signal,
      now: clock.now(),
      egressId,
    });
  } catch (error) {
    throw await giveBack(deps, job, stored, error);
  }
  const next = vault.seal(
    { ...stored, version: stored.version + 1, expiresAt: auth.expiresAt(renewed) },
    new Secret(renewed),
    job.connector.platform,
  );
  for (let attempt = 1; ; attempt++) {
    try {
      const won = await db.tx(leaseScope(job), (tx) => replaceCredential(tx, next));
      if (!won)
        throw new AppError('credential.refresh_conflict', 'the credential was replaced while it was being refreshed');
      log.emit('credential.refreshed', { integrationId: job.integrationId, version: next.version });
      return { value: new Secret(renewed), version: next.version, expiresAt: next.expiresAt };
    } catch (error) {
      // The old token is spent and the new one lives only here: a database that is away is worth waiting for.
      if (!(error instanceof AppError && error.code === 'db.unavailable') || attempt === STORE_ATTEMPTS) throw error;
      await sleep(STORE_PAUSE_MS, job.signal);
    }
  }
}

/** Ends the announced refresh after `error` and says which error the caller should see. */
async function giveBack(
  deps: RefreshDeps,
  job: RefreshJob,
  stored: StoredCredential,
  error: unknown,
): Promise<unknown> {
  const code = error instanceof AppError ? error.code : undefined;
  const refused = code === 'credential.grant_dead' || code === 'credential.invalid';
  const certain = refused || (code !== undefined && NEVER_SENT.has(code));
  await deps.db.tx(leaseScope(job), (tx) => endRefresh(tx, job.integrationId, certain ? 'unspent' : 'in_doubt'));
  if (code !== 'credential.grant_dead' || stored.refresh !== 'in_doubt') return error;
  // The platform no longer honours the old token and the new one was lost with the worker that spent it.
  deps.log.emit('credential.rotation_in_doubt', { integrationId: job.integrationId, version: stored.version });
  return inDoubt();
}

async function loadApp({ db, vault }: RefreshDeps, job: RefreshJob): Promise<OAuthApp> {
  const platform: PlatformId = job.connector.platform;
  const stored = await db.tx(leaseScope(job), (tx) => loadOAuthApp(tx, platform));
  if (stored === null) {
    throw new AppError(
      'credential.missing',
      `expected the OAuth app of ${platform} (tidemark integrations oauth-app), found none`,
    );
  }
  return vault.openApp(stored);
}

function leaseScope({ leaseToken }: RefreshJob): TxScope {
  return { kind: 'lease', token: leaseToken };
}
