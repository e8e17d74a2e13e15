// Whose tokens they are, for which organisations they can act, and which streams they do not open.

import type { Account } from '../../connectors/contract/connector.ts';
import type { MissingScope, Organization } from '../../connectors/contract/oauth.ts';
import type { ReadContext } from '../../connectors/contract/stream.ts';
import { AppError } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';
import { quietHttp, quietLog } from '../../sync/quiet-context.ts';
import { scopeOf, type ExchangeDeps, type HeldExchange } from './held-exchange.ts';
import { requireSameAccount } from './same-account.ts';

export interface ProbedAccount {
  readonly account: Account;
  readonly organizations: readonly Organization[];
  /** In the name of the organisation that was wanted; null: a person must choose. */
  readonly settings: { readonly value: unknown } | null;
  /** Null: not known. */
  readonly missingScopes: readonly MissingScope[] | null;
}

type Context = ReadContext<unknown, unknown>;

function contextOf(deps: ExchangeDeps, held: HeldExchange, credential: Secret<unknown>): Omit<Context, 'settings'> {
  const { http, secrets, job } = held;
  const renew = async (): Promise<never> => {
    throw new AppError('platform.unauthorized', 'the platform refused a credential that it had just given');
  };
  return {
    http: quietHttp(http, secrets),
    credential: { current: async () => credential, renew },
    clock: deps.clock,
    signal: job.signal,
    log: quietLog(job.log, secrets),
    egressId: deps.egressId,
  };
}

/** A key without the permission to ask is no reason to refuse an account: it then acts for itself. */
async function organizationsOf({ auth }: HeldExchange, context: Context): Promise<readonly Organization[]> {
  try {
    return await auth.connect.organizations(context);
  } catch (error) {
    if (error instanceof AppError && error.kind === 'scope') return [];
    throw error;
  }
}

/** The settings in the name of who is wanted; null: several may be, and nobody said which. Throws `oauth.organization_unknown`. */
function settingsOf(
  { exchange, connector, auth }: HeldExchange,
  organizations: readonly Organization[],
): ProbedAccount['settings'] {
  const settings = connector.settings.parse(exchange.settings);
  const [first] = organizations;
  const only = organizations.length === 1 ? first!.id : null;
  const wanted = exchange.chosenOrganizationId ?? auth.connect.organizationOf(settings) ?? only;
  if (wanted !== null && first !== undefined && !organizations.some(({ id }) => id === wanted))
    throw new AppError('oauth.organization_unknown', `the account cannot act for the organisation ${wanted}`);
  if (wanted !== null) return { value: auth.connect.actingFor(settings, wanted) };
  const isOpen = organizations.length > 1 && exchange.integrationId === null;
  return isOpen ? null : { value: settings };
}

/** What is not known is no reason to refuse an account either: its first syncs will tell. */
async function scopesOf(
  { auth, connector, job }: HeldExchange,
  context: Context,
): Promise<ProbedAccount['missingScopes']> {
  try {
    const streams = connector.streams.map(({ name }) => name);
    return await auth.connect.missingScopes(context, streams);
  } catch {
    job.signal.throwIfAborted();
    return null;
  }
}

/** Throws what the platform says, masked, `oauth.organization_unknown`, and as `requireSameAccount`. */
export async function probeAccount(
  deps: ExchangeDeps,
  held: HeldExchange,
  credential: Secret<unknown>,
): Promise<ProbedAccount> {
  const { connector, job, secrets } = held;
  const common = contextOf(deps, held, credential);
  // In nobody's name: an organisation that does not fit would be refused before it could be named.
  const bare = { ...common, settings: connector.settings.parse({}) };
  try {
    const account = await connector.test(bare);
    const { integrationId } = held.exchange;
    // First of all: another account acts for other organisations, and that is not what its user must hear.
    if (integrationId !== null) await deps.db.tx(scopeOf(held), (tx) => requireSameAccount(tx, integrationId, account));
    const organizations = await organizationsOf(held, bare);
    const settings = settingsOf(held, organizations);
    const missingScopes = settings === null ? null : await scopesOf(held, { ...common, settings: settings.value });
    return { account, organizations, settings, missingScopes };
  } catch (error) {
    job.signal.throwIfAborted();
    throw secrets.mask(error);
  }
}
