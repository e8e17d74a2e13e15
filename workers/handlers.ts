// One handler for every kind of job; a kind without one does not compile.

import type { Handlers } from '../queues/port.ts';
import type { ExchangeDeps } from '../src/ops/exchange/held-exchange.ts';
import { createSendHandler, type SendDeps } from '../src/messages/send-message.ts';
import { createRollupHandler } from '../src/rollups/roll-day.ts';
import { createSyncRunHandler, type SyncRunDeps } from '../src/sync/runner.ts';
import { createProcessHandler, type ProcessDeps } from '../src/webhooks/process-events.ts';
import { createCredentialTestHandler } from './credential-test.ts';
import { createRetentionHandler, type RetentionDeps } from './retention.ts';
import { createCredentialRefreshHandler, type CredentialRefreshDeps } from './credential-refresh.ts';
import { createOAuthExchangeHandler } from './oauth-exchange.ts';

export type HandlerDeps = SyncRunDeps & CredentialRefreshDeps & ExchangeDeps & ProcessDeps & SendDeps & RetentionDeps;

export function createHandlers(deps: HandlerDeps): Handlers {
  return {
    'sync.run': createSyncRunHandler(deps),
    'credential.refresh': createCredentialRefreshHandler(deps),
    'credential.test': createCredentialTestHandler(deps),
    'maintenance.retention': createRetentionHandler(deps),
    'oauth.exchange': createOAuthExchangeHandler(deps),
    'webhook.process': createProcessHandler(deps),
    'message.send': createSendHandler(deps),
    'metrics.rollup': createRollupHandler(deps),
  };
}
