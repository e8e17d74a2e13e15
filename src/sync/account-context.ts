// What a connector works with on behalf of one account outside of a run: its credential opened once under a lease, answers and
// logs without secrets.

import { AppError } from '../core/errors.ts';
import type { WorkClass } from '../core/work-class.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { CredentialAccess, ReadContext } from '../connectors/contract/stream.ts';
import type { HttpCall, HttpClient, HttpClientScope } from '../http/http-client.ts';
import type { OpeningReason } from '../store/credential-openings.ts';
import { createCredentialAccess } from './credential-access.ts';
import { createKnownSecrets, learning, type KnownSecrets } from './known-secrets.ts';
import { quietHttp, quietLog } from './quiet-context.ts';
import type { RefreshDeps } from './refresh.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface AccountDeps extends RefreshDeps {
  readonly httpFor: (scope: HttpClientScope) => HttpClient;
}

export interface AccountWork {
  readonly connector: AnyConnector;
  readonly integrationId: string;
  readonly settings: unknown;
  readonly workerId: string;
  readonly workClass: WorkClass;
  readonly reason: Extract<OpeningReason, 'receive' | 'send'>;
  readonly signal: AbortSignal;
  readonly log: EventLog;
  readonly onCall?: (call: HttpCall) => void;
}

export interface OpenAccount {
  readonly context: ReadContext<unknown, unknown>;
  /** What errors of this account must not say. */
  readonly secrets: KnownSecrets;
  /** As opened. */
  readonly credential: unknown;
}

/** Opens the credential under `leaseToken`, which may end afterwards where the platform's tokens do not. Throws `credential.*`, `vault.*`. */
export async function openAccount(deps: AccountDeps, leaseToken: string, work: AccountWork): Promise<OpenAccount> {
  const { connector, integrationId, workerId, workClass, reason, signal, onCall } = work;
  const secrets = createKnownSecrets();
  const http = deps.httpFor({
    platform: connector.platform,
    workClass,
    allowedHosts: connector.allowedHosts,
    ...(onCall === undefined ? {} : { onCall }),
  });
  const job = { integrationId, connector, leaseToken, runId: null, reason, workerId, http, signal };
  const access = learning(createCredentialAccess(deps, job), secrets);
  const credential = await access.current();
  const context = {
    http: quietHttp(http, secrets),
    credential: connector.auth.kind === 'static' ? unchanging(credential) : access,
    settings: connector.settings.parse(work.settings),
    clock: deps.clock,
    signal,
    log: quietLog(work.log, secrets),
    egressId: deps.egressId,
  };
  return { context, secrets, credential: credential.reveal() };
}

type Held = Awaited<ReturnType<CredentialAccess<unknown>['current']>>;

/** Of a token that nobody can renew. */
function unchanging(credential: Held): CredentialAccess<unknown> {
  return {
    current: () => Promise.resolve(credential),
    renew: () => Promise.reject(new AppError('platform.unauthorized', 'the platform refused the credential')),
  };
}
