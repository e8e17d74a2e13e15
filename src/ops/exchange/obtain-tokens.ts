// The code becomes tokens, once: the intent is written before the code is sent, and the tokens are stored before anything else is
// done with them. Whoever finds the intent without tokens does not know how it ended, and asks for a new consent.

import type { CodeContext } from '../../connectors/contract/oauth.ts';
import { HOUR_MS, MINUTE_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import {
  insertExchangeSecret,
  loadExchangeSecrets,
  removeExchangeSecrets,
  type ExchangePart,
} from '../../store/exchange-secrets.ts';
import type { SealedColumns } from '../../store/credentials.ts';
import { announceExchange, prolongExchange, withdrawExchange } from '../../store/oauth-exchanges.ts';
import { openExchangePart, openPlatformApp } from '../../sync/open-credential.ts';
import { persistSpent, SPEND_MS } from '../../sync/persist-spent.ts';
import { judgeFailure } from '../../sync/refresh-failure.ts';
import { openingOf, scopeOf, type ExchangeDeps, type HeldExchange } from './held-exchange.ts';

/** Spending and storing take less than two minutes; whatever waits longer was given up. */
const EXCHANGING_MS = 10 * MINUTE_MS;
/** For a person to choose, or for the platform to answer again. */
const FINISHING_MS = HOUR_MS;

const inDoubt = (): AppError =>
  new AppError(
    'oauth.exchange_in_doubt',
    'in doubt: the authorization code was sent and its answer was lost. Connect again',
  );

/** The tokens of the exchange, as the connector's schema reads them. Throws `oauth.*`, `credential.*`, and what passes. */
export async function obtainTokens(deps: ExchangeDeps, held: HeldExchange): Promise<Secret<unknown>> {
  const { exchange, connector, secrets } = held;
  const stored = await deps.db.tx(scopeOf(held), (tx) => loadExchangeSecrets(tx, exchange.id));
  if (stored.tokens !== undefined) {
    const text = await open(deps, held, 'tokens', stored.tokens);
    const credential = new Secret<unknown>(connector.credential.parse(JSON.parse(text.reveal())));
    secrets.learn(credential);
    return credential;
  }
  if (exchange.status !== 'received' || stored.code === undefined) throw inDoubt();
  const context: CodeContext = {
    app: await openPlatformApp(deps, openingOf(held)),
    http: held.http,
    signal: AbortSignal.timeout(SPEND_MS),
    now: deps.clock.now(),
    egressId: deps.egressId,
    code: await open(deps, held, 'code', stored.code),
    redirectUri: exchange.redirectUri,
    verifier: stored.verifier === undefined ? null : await open(deps, held, 'verifier', stored.verifier),
  };
  secrets.learn(context.app.clientSecret);
  return await spend(deps, held, context);
}

async function open(deps: ExchangeDeps, held: HeldExchange, part: ExchangePart, sealed: SealedColumns) {
  const text = await openExchangePart(deps, openingOf(held), { place: held.exchange, part, sealed });
  if (part !== 'tokens') held.secrets.learn(text);
  return text;
}

async function spend(deps: ExchangeDeps, held: HeldExchange, context: CodeContext): Promise<Secret<unknown>> {
  const { auth, secrets } = held;
  const { id } = held.exchange;
  const now = deps.clock.now();
  const expiresAt = new Date(now.getTime() + EXCHANGING_MS);
  if (!(await deps.db.tx(scopeOf(held), (tx) => announceExchange(tx, { id, expiresAt, now }))))
    throw new AppError('sync.lease_lost', 'the exchange is no longer this worker’s');
  await deps.onExchangeStep?.('announced');
  let credential: Secret<unknown>;
  try {
    credential = new Secret(await auth.connect.exchange(context));
  } catch (error) {
    throw await judged(deps, held, error);
  }
  secrets.learn(credential);
  await deps.onExchangeStep?.('exchanged');
  await store(deps, held, credential);
  await deps.onExchangeStep?.('stored');
  return credential;
}

/** What the failure means for the exchange: in doubt, refused, or not sent at all and to be tried again. */
async function judged(deps: ExchangeDeps, held: HeldExchange, error: unknown): Promise<AppError> {
  const { lost } = judgeFailure({ error, asked: true });
  if (lost) return inDoubt();
  const { id } = held.exchange;
  const told = held.secrets.mask(error);
  if (told.kind === 'transient' || told.kind === 'rate_limited')
    await deps.db.tx(scopeOf(held), (tx) => withdrawExchange(tx, { id, now: deps.clock.now() }));
  return told;
}

async function store(deps: ExchangeDeps, held: HeldExchange, credential: Secret<unknown>): Promise<void> {
  const { exchange, leaseToken } = held;
  const { id, userId } = exchange;
  const sealed = deps.vault.sealPart(exchange, 'tokens', new Secret(JSON.stringify(credential.reveal())));
  await persistSpent(deps, leaseToken, async (tx) => {
    const now = deps.clock.now();
    const expiresAt = new Date(now.getTime() + FINISHING_MS);
    if (!(await prolongExchange(tx, { id, expiresAt, now })))
      throw new AppError('sync.lease_lost', 'the exchange ended while its code was spent');
    await removeExchangeSecrets(tx, id);
    await insertExchangeSecret(tx, { exchangeId: id, userId }, 'tokens', sealed);
  });
}
