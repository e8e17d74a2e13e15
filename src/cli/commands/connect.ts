// tidemark integrations connect and exchange: an account by consent. The address that is printed holds a state that is good once,
// for ten minutes; whoever opens it connects his account to the user that was named.

import { connectorOf } from '../../app/connectors.ts';
import { sealerOf } from '../../app/connect.ts';
import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import { beginExchange } from '../../ops/begin-exchange.ts';
import { chooseOrganization } from '../../ops/receive-code.ts';
import { findExchange, type OAuthExchange } from '../../store/oauth-exchanges.ts';
import type { CommandContext } from '../command.ts';
import { readSettings } from '../input.ts';
import { requireIntegration, requireUser } from '../lookup.ts';
import { facts, table } from '../output.ts';

export interface ConnectOptions {
  readonly user: string;
  readonly platform: string;
  readonly integration?: string;
  readonly settingsFile?: string;
}

export async function connectByConsent(context: CommandContext, options: ConnectOptions): Promise<void> {
  const { output, config } = context;
  const connector = connectorOf(options.platform);
  const settings = await readSettings(options.settingsFile, connector.settings);
  const { id: userId } = await requireUser(context, options.user);
  if (options.integration !== undefined) await requireIntegration(context, options.integration);
  const { api } = await context.session();
  const deps = {
    clock: systemClock,
    sealer: () => sealerOf(config),
    publicUrl: config.http.publicUrl,
    baseUrls: config.baseUrls,
  };
  const request = { userId, connector, settings, integrationId: options.integration ?? null };
  const begun = await api.tx({ kind: 'ops' }, (tx) => beginExchange(tx, deps, request));
  output.result(begun, () => {
    output.line(begun.authorizeUrl);
    output.note(`open it within ten minutes, then: tidemark integrations exchange ${begun.exchangeId}`);
  });
}

async function requireExchange({ session }: CommandContext, id: string): Promise<OAuthExchange> {
  if (!isUuid(id)) throw new AppError('usage.invalid', `expected the id of an exchange, got ${JSON.stringify(id)}`);
  const { api } = await session();
  const found = await api.tx({ kind: 'ops' }, (tx) => findExchange(tx, id));
  if (found === null) throw new AppError('not_found', `no exchange has the id ${id}`);
  return found;
}

export async function exchange(
  context: CommandContext,
  { organization }: { readonly organization?: string },
  [id = '']: readonly string[],
): Promise<void> {
  const found = await requireExchange(context, id);
  const { output } = context;
  if (organization !== undefined) {
    const { api, queue } = await context.session();
    await api.tx({ kind: 'ops' }, (tx) => chooseOrganization(tx, { queue, clock: systemClock }, found, organization));
  }
  const shown = organization === undefined ? found : await requireExchange(context, id);
  output.result(shown, () => {
    const { status, integrationId, accountName, errorCode, errorMessage, missingScopes, chosenOrganizationId } = shown;
    const withoutScope = missingScopes?.map(({ stream }) => stream) ?? null;
    output.line(
      facts({ status, integrationId, accountName, chosenOrganizationId, withoutScope, errorCode, errorMessage }),
    );
    if (status !== 'choosing') return;
    output.line();
    output.line(
      table(
        ['organization', 'title', 'type'],
        shown.organizations.map((it) => [it.id, it.title, it.type]),
      ),
    );
  });
}
