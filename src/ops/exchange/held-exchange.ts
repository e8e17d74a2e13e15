// An exchange in the hands of a worker: what its steps work with.

import type { JobContext } from '../../../queues/port.ts';
import type { AnyConnector, Auth } from '../../connectors/contract/connector.ts';
import type { TxScope } from '../../db/database.ts';
import type { HttpClient, HttpClientScope } from '../../http/http-client.ts';
import type { OAuthExchange } from '../../store/oauth-exchanges.ts';
import type { KnownSecrets } from '../../sync/known-secrets.ts';
import type { OpeningJob } from '../../sync/open-credential.ts';
import type { RefreshDeps } from '../../sync/refresh.ts';
import type { Sealer } from '../../vault/sealer.ts';

/** Steps between which a worker may die. */
export type ExchangeStep = 'announced' | 'exchanged' | 'stored' | 'probed';

export interface ExchangeDeps extends RefreshDeps {
  readonly sealer: Sealer;
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  readonly httpFor: (scope: HttpClientScope) => HttpClient;
  /** Awaited at every step; for tests that stop the process there. */
  readonly onExchangeStep?: (step: ExchangeStep) => void | Promise<void>;
}

export interface HeldExchange {
  readonly exchange: OAuthExchange;
  readonly connector: AnyConnector;
  readonly auth: Extract<Auth<unknown>, { kind: 'oauth2' }>;
  readonly job: JobContext<'oauth.exchange'>;
  readonly leaseToken: string;
  readonly http: HttpClient;
  /** What no error may repeat. */
  readonly secrets: KnownSecrets;
}

export function scopeOf({ leaseToken }: HeldExchange): TxScope {
  return { kind: 'lease', token: leaseToken };
}

/** Openings are lines in the chain of the integration that there will be: a new one gets the id of its exchange. */
export function openingOf({ exchange, connector, leaseToken }: HeldExchange): OpeningJob {
  const integrationId = exchange.integrationId ?? exchange.id;
  return { integrationId, connector, leaseToken, runId: null, reason: 'exchange' };
}
