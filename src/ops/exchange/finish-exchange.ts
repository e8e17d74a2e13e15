// The end of an exchange in one transaction: the integration is there, or works again, and what was sealed for the exchange is
// gone.

import type { Account } from '../../connectors/contract/connector.ts';
import { AppError } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';
import type { Tx } from '../../db/database.ts';
import { integrationsOfAccount } from '../../store/accounts.ts';
import { loadCredential } from '../../store/credentials.ts';
import { removeExchangeSecrets } from '../../store/exchange-secrets.ts';
import { completeExchange } from '../../store/oauth-exchanges.ts';
import { noteAccount } from '../../store/parking.ts';
import { unparkStreams } from '../../store/streams.ts';
import { addAccount, renewAccount } from '../accounts.ts';
import { GRANT_CODES } from '../grant-state.ts';
import { scopeOf, type ExchangeDeps, type HeldExchange } from './held-exchange.ts';
import type { ProbedAccount } from './probe-account.ts';
import { requireSameAccount } from './same-account.ts';

const NO_SCHEDULE = { intervalMinutes: null, cron: null, timezone: null };

interface Finish {
  readonly credential: Secret<unknown>;
  readonly account: Account;
  readonly settings: unknown;
  readonly now: Date;
}

/** Throws `oauth.already_connected` when the user has this account, in the name of the same organisation. */
async function addNew(tx: Tx, deps: ExchangeDeps, held: HeldExchange, finish: Finish): Promise<string> {
  const { exchange, connector, auth } = held;
  const { id, userId, platformId } = exchange;
  const { account, settings, credential, now } = finish;
  const { externalAccountId, displayName } = account;
  const same = await integrationsOfAccount(tx, { userId, platformId, externalAccountId });
  const actsFor = (raw: unknown): string | null => {
    const parsed = connector.settings.safeParse(raw);
    return parsed.success ? auth.connect.organizationOf(parsed.data) : null;
  };
  const known = same.find((integration) => actsFor(integration.settings) === actsFor(settings));
  if (known !== undefined)
    throw new AppError(
      'oauth.already_connected',
      `this account is integration ${known.id} already: connect with its id to renew its grant`,
    );
  await addAccount(tx, {
    id,
    userId,
    sealer: deps.sealer,
    connector,
    credential,
    settings,
    schedule: NO_SCHEDULE,
    displayName,
    externalAccountId: same.length === 0 ? externalAccountId : null,
    now,
  });
  return id;
}

/** Throws as `requireSameAccount`. */
async function renew(tx: Tx, deps: ExchangeDeps, held: HeldExchange, finish: Finish): Promise<string> {
  const { connector } = held;
  const integrationId = held.exchange.integrationId!;
  const { account, credential, now } = finish;
  const integration = await requireSameAccount(tx, integrationId, account);
  // A refresh that is under way waits, or is waited for.
  await loadCredential(tx, integrationId, 'lock');
  await renewAccount(tx, { sealer: deps.sealer, connector, credential, integration, now });
  await noteAccount(tx, integrationId, account, now);
  await unparkStreams(tx, integrationId, { codes: [...GRANT_CODES], now });
  return integrationId;
}

/** Id of the integration. Throws as above, and `sync.lease_lost` when the exchange ended meanwhile. */
export async function finishExchange(
  deps: ExchangeDeps,
  held: HeldExchange,
  credential: Secret<unknown>,
  {
    account,
    organizations,
    settings,
    missingScopes,
  }: ProbedAccount & { readonly settings: { readonly value: unknown } },
): Promise<string> {
  const { id } = held.exchange;
  const integrationId = await deps.db.tx(scopeOf(held), async (tx) => {
    const now = deps.clock.now();
    const finish = { credential, account, settings: settings.value, now };
    const made = await (held.exchange.integrationId === null ? addNew : renew)(tx, deps, held, finish);
    const { externalAccountId, displayName: accountName } = account;
    const result = { id, now, integrationId: made, externalAccountId, accountName, organizations, missingScopes };
    if (!(await completeExchange(tx, result)))
      throw new AppError('sync.lease_lost', 'the exchange ended while it was finished');
    await removeExchangeSecrets(tx, id);
    return made;
  });
  const streams = missingScopes?.map(({ stream }) => stream) ?? [];
  held.job.log.emit('account.connected', { exchangeId: id, integrationId, streamsWithoutScope: streams });
  return integrationId;
}
