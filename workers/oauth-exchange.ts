// `oauth.exchange {exchangeId}`: a code becomes an integration that syncs, or one that syncs again. What cannot be cured by trying
// again is written into the exchange, where the person who waits for it looks.

import type { JobContext, Handler } from '../queues/port.ts';
import { completed, discard, type Outcome } from '../queues/outcome.ts';
import { reportOf, toAppError } from '../src/core/errors.ts';
import { oauthOf } from '../src/ops/begin-exchange.ts';
import { finishExchange } from '../src/ops/exchange/finish-exchange.ts';
import { scopeOf, type ExchangeDeps, type HeldExchange } from '../src/ops/exchange/held-exchange.ts';
import { obtainTokens } from '../src/ops/exchange/obtain-tokens.ts';
import { probeAccount } from '../src/ops/exchange/probe-account.ts';
import { removeExchangeSecrets } from '../src/store/exchange-secrets.ts';
import { failExchange, findExchange, offerOrganizations, type OAuthExchange } from '../src/store/oauth-exchanges.ts';
import { acquireLease, releaseLease } from '../src/store/stream-leases.ts';
import { createKnownSecrets } from '../src/sync/known-secrets.ts';

type Job = JobContext<'oauth.exchange'>;

/** Whether a worker has something to do: a choice that nobody has made yet is waited for without one. */
function isWorkable({ status, chosenOrganizationId }: OAuthExchange): boolean {
  return status === 'received' || status === 'exchanging' || (status === 'choosing' && chosenOrganizationId !== null);
}

async function hold(deps: ExchangeDeps, job: Job, leaseToken: string): Promise<HeldExchange | null> {
  const exchange = await deps.db.tx({ kind: 'lease', token: leaseToken }, (tx) =>
    findExchange(tx, job.payload.exchangeId),
  );
  const connector = deps.connectors.get(exchange?.platformId ?? '');
  if (exchange === null || connector === undefined || !isWorkable(exchange)) return null;
  const { platform, allowedHosts } = connector;
  const http = deps.httpFor({ platform, workClass: job.workClass, allowedHosts });
  return { exchange, connector, auth: oauthOf(connector), job, leaseToken, http, secrets: createKnownSecrets() };
}

async function work(deps: ExchangeDeps, held: HeldExchange): Promise<Outcome> {
  const { id } = held.exchange;
  const credential = await obtainTokens(deps, held);
  const { settings, ...probed } = await probeAccount(deps, held, credential);
  await deps.onExchangeStep?.('probed');
  if (settings === null) {
    const { organizations } = probed;
    await deps.db.tx(scopeOf(held), (tx) => offerOrganizations(tx, { id, organizations, now: deps.clock.now() }));
    return completed({ status: 'choosing' });
  }
  const integrationId = await finishExchange(deps, held, credential, { ...probed, settings });
  return completed({ status: 'done', integrationId });
}

/** Ends the exchange with the reason, or throws what another attempt may cure. */
async function fail(deps: ExchangeDeps, held: HeldExchange, thrown: unknown): Promise<Outcome> {
  held.job.signal.throwIfAborted();
  const error = toAppError(thrown);
  if (error.kind === 'conflict') return discard(error.message);
  if (error.kind === 'transient' || error.kind === 'rate_limited') throw error;
  const { id } = held.exchange;
  const report = reportOf(held.secrets.mask(error));
  await deps.db.tx(scopeOf(held), async (tx) => {
    await failExchange(tx, { id, error: report, now: deps.clock.now() });
    await removeExchangeSecrets(tx, id);
  });
  held.job.log.emit('account.connect_failed', { exchangeId: id, error: report });
  return completed({ status: 'failed', code: report.code });
}

export function createOAuthExchangeHandler(deps: ExchangeDeps): Handler<'oauth.exchange'> {
  return async (job) => {
    const token = await acquireLease(deps.db, job.jobId, job.workerId);
    if (token === null) return discard('the job is no longer held by this worker');
    try {
      const held = await hold(deps, job, token);
      if (held === null) return discard('nothing to exchange');
      try {
        return await work(deps, held);
      } catch (error) {
        return await fail(deps, held, error);
      }
    } finally {
      await releaseLease(deps.db, token);
    }
  };
}
