// What a connector gets of a credential: the current one, and a newer one after a 401. At most one refresh per run is
// asked for by a 401; a credential that is refused right after it was refreshed will not get better.

import { AppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { CredentialAccess } from '../connectors/contract/stream.ts';
import { loadCredential } from '../store/credentials.ts';
import type { OpenCredential } from './credential-vault.ts';
import { refreshCredential, type RefreshDeps, type RefreshJob } from './refresh.ts';

async function load(
  { db, vault }: RefreshDeps,
  { integrationId, connector, leaseToken }: RefreshJob,
): Promise<OpenCredential> {
  const stored = await db.tx({ kind: 'lease', token: leaseToken }, (tx) => loadCredential(tx, integrationId));
  if (stored === null) throw new AppError('credential.missing', 'expected a stored credential, found none');
  return vault.open(stored, connector);
}

function isDue({ expiresAt }: OpenCredential, { connector }: RefreshJob, now: Date): boolean {
  if (connector.auth.kind !== 'oauth2' || expiresAt === null) return false;
  return expiresAt.getTime() - now.getTime() < connector.auth.refreshAheadMs;
}

/** Opens the credential on first use; one object serves all requests of a run. */
export function createCredentialAccess(deps: RefreshDeps, job: RefreshJob): CredentialAccess<unknown> {
  let held: Promise<OpenCredential> | undefined;
  let renewedOnce = false;

  const open = async (): Promise<OpenCredential> => {
    const stored = await load(deps, job);
    if (!isDue(stored, job, deps.clock.now())) return stored;
    return await refreshCredential(deps, job, stored.version);
  };

  const remember = (next: Promise<OpenCredential>): Promise<OpenCredential> => {
    held = next;
    next.catch(() => (held = undefined));
    return next;
  };

  return {
    async current() {
      const credential = await (held ?? remember(open()));
      const expired = credential.expiresAt !== null && credential.expiresAt <= deps.clock.now();
      return (expired ? await remember(open()) : credential).value;
    },
    async renew(rejected: Secret<unknown>) {
      const credential = await (held ?? remember(open()));
      if (credential.value !== rejected) return credential.value;
      if (renewedOnce)
        throw new AppError('platform.unauthorized', 'the platform refused a credential that was just refreshed');
      renewedOnce = true;
      return (await remember(refreshCredential(deps, job, credential.version))).value;
    },
  };
}
