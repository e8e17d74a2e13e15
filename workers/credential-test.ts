// `credential.test {integrationId}`: asks the platform once whether the credentials work, and notes whose they are. A refusal
// is a result, not a failure: somebody waits for it.

import { AppError, reportOf } from '../src/core/errors.ts';
import type { Account, AnyConnector } from '../src/connectors/contract/connector.ts';
import type { HttpClient, HttpClientScope } from '../src/http/http-client.ts';
import type { TestResult } from '../src/ops/test-credential.ts';
import { findIntegration } from '../src/store/integrations.ts';
import { noteAccount, noteExpiry, parkUnproven } from '../src/store/parking.ts';
import { acquireLease, releaseLease } from '../src/store/stream-leases.ts';
import { createCredentialAccess } from '../src/sync/credential-access.ts';
import { createKnownSecrets, learning } from '../src/sync/known-secrets.ts';
import { quietHttp, quietLog } from '../src/sync/quiet-context.ts';
import type { RefreshDeps } from '../src/sync/refresh.ts';
import { completed, discard } from '../queues/outcome.ts';
import type { Handler, JobContext } from '../queues/port.ts';

export interface CredentialTestDeps extends RefreshDeps {
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  readonly httpFor: (scope: HttpClientScope) => HttpClient;
}

type Job = JobContext<'credential.test'>;

/** Throws what the platform says, and `not_found`, `config.invalid`. */
async function askPlatform(deps: CredentialTestDeps, job: Job, leaseToken: string): Promise<Account> {
  const { integrationId } = job.payload;
  const integration = await deps.db.tx({ kind: 'lease', token: leaseToken }, (tx) =>
    findIntegration(tx, integrationId),
  );
  if (integration === null) throw new AppError('not_found', `no integration has the id ${integrationId}`);
  const connector = deps.connectors.get(integration.platformId);
  if (connector === undefined)
    throw new AppError('config.invalid', `expected a known platform, got ${integration.platformId}`);
  const http = deps.httpFor({
    platform: connector.platform,
    workClass: job.workClass,
    allowedHosts: connector.allowedHosts,
  });
  const { signal, workerId, log } = job;
  const secrets = createKnownSecrets();
  const access = createCredentialAccess(deps, {
    integrationId,
    connector,
    leaseToken,
    runId: null,
    reason: 'test',
    workerId,
    http,
    signal,
  });
  const { clock, egressId } = deps;
  const settings = connector.settings.parse(integration.settings);
  try {
    return await connector.test({
      http: quietHttp(http, secrets),
      credential: learning(access, secrets),
      settings,
      clock,
      signal,
      log: quietLog(log, secrets),
      egressId,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw secrets.mask(error);
  }
}

/** Where a credential names its account itself, nothing else ever asks the platform about it. */
async function noteRefusal({ db, connectors, clock }: CredentialTestDeps, job: Job, token: string, error: AppError) {
  if (error.kind !== 'auth' && error.kind !== 'config') return;
  await db.tx({ kind: 'lease', token }, async (tx) => {
    const integration = await findIntegration(tx, job.payload.integrationId);
    const connector = connectors.get(integration?.platformId ?? '');
    if (connector?.accountOf !== undefined)
      await parkUnproven(tx, job.payload.integrationId, reportOf(error), clock.now());
  });
}

export function createCredentialTestHandler(deps: CredentialTestDeps): Handler<'credential.test'> {
  return async (job) => {
    const token = await acquireLease(deps.db, job.jobId, job.workerId);
    if (token === null) return discard('the job is no longer held by this worker');
    try {
      const account = await askPlatform(deps, job, token);
      await deps.db.tx({ kind: 'lease', token }, async (tx) => {
        const { integrationId } = job.payload;
        await noteAccount(tx, integrationId, account, deps.clock.now());
        if (account.credentialExpiresAt !== undefined) await noteExpiry(tx, integrationId, account.credentialExpiresAt);
      });
      const result: TestResult = { ok: true, account };
      return completed(result);
    } catch (error) {
      // Another try may tell more than this one only where nobody has answered yet.
      if (!(error instanceof AppError) || error.kind === 'conflict' || job.signal.aborted) throw error;
      await noteRefusal(deps, job, token, error);
      const result: TestResult = { ok: false, error: reportOf(error) };
      return completed(result);
    } finally {
      await releaseLease(deps.db, token);
    }
  };
}
