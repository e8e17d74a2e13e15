// `credential.refresh {integrationId}`: keeps the grants of idle accounts alive. Does nothing when a run was faster.

import { AppError, reportOf } from '../src/core/errors.ts';
import type { AnyConnector } from '../src/connectors/contract/connector.ts';
import type { HttpClient, HttpClientScope } from '../src/http/http-client.ts';
import { loadCredential } from '../src/store/credentials.ts';
import { parkIntegration } from '../src/store/parking.ts';
import { acquireLease, releaseLease } from '../src/store/stream-leases.ts';
import { refreshCredential, type RefreshDeps } from '../src/sync/refresh.ts';
import { completed, discard, type Outcome } from '../queues/outcome.ts';
import type { Handler, JobContext } from '../queues/port.ts';

export interface CredentialRefreshDeps extends RefreshDeps {
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  readonly httpFor: (scope: HttpClientScope) => HttpClient;
}

type Job = JobContext<'credential.refresh'>;

/** Platform and version of the stored credential; null when it is gone or fresh enough. */
async function findDue(deps: CredentialRefreshDeps, { payload }: Job, token: string) {
  return await deps.db.tx({ kind: 'lease', token }, async (tx) => {
    const stored = await loadCredential(tx, payload.integrationId);
    const { rows } = await tx.query<{ platform_id: string }>('select platform_id from integrations where id = $1', [
      payload.integrationId,
    ]);
    const connector = deps.connectors.get(rows[0]?.platform_id ?? '');
    if (stored === null || connector === undefined || connector.auth.kind !== 'oauth2') return null;
    const leftMs = (stored.expiresAt?.getTime() ?? Infinity) - deps.clock.now().getTime();
    return leftMs < connector.auth.refreshAheadMs ? { connector, version: stored.version } : null;
  });
}

/** Only a person can bring another credential; an account without runs would never say so otherwise. */
async function park(
  { db, clock }: RefreshDeps,
  { payload: { integrationId }, log }: Job,
  { error, token }: { readonly error: AppError; readonly token: string },
): Promise<Outcome> {
  const report = reportOf(error);
  await db.tx({ kind: 'lease', token }, (tx) => parkIntegration(tx, integrationId, report, clock.now()));
  log.emit('integration.parked', { integrationId, error: report });
  return completed({ parked: 'integration' });
}

export function createCredentialRefreshHandler(deps: CredentialRefreshDeps): Handler<'credential.refresh'> {
  return async (job) => {
    const token = await acquireLease(deps.db, job.jobId, job.workerId);
    if (token === null) return discard('the job is no longer held by this worker');
    try {
      const due = await findDue(deps, job, token);
      if (due === null) return discard('nothing to refresh');
      const { connector, version } = due;
      const http = deps.httpFor({
        platform: connector.platform,
        workClass: job.workClass,
        allowedHosts: connector.allowedHosts,
      });
      const { integrationId } = job.payload;
      await refreshCredential(
        deps,
        {
          integrationId,
          connector,
          leaseToken: token,
          runId: null,
          reason: 'refresh',
          workerId: job.workerId,
          http,
          signal: job.signal,
        },
        version,
      );
      return completed();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.kind === 'conflict') return discard(error.message);
      if (error.kind === 'auth' || error.kind === 'config') return await park(deps, job, { error, token });
      throw error;
    } finally {
      await releaseLease(deps.db, token);
    }
  };
}
