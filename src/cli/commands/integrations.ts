// tidemark integrations: users' accounts on platforms. Credentials come from files, are checked against the connector, and
// are sealed before anything is written.

import { connectorOf } from '../../app/connectors.ts';
import { connectAccount, replaceCredentials } from '../../app/connect.ts';
import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { grantStateOf } from '../../ops/grant-state.ts';
import { removeIntegration } from '../../ops/remove-integration.ts';
import { testCredential } from '../../ops/test-credential.ts';
import { checkSchedule } from '../../scheduler/next-fire.ts';
import { findGrant } from '../../store/grants.ts';
import { listIntegrations, pauseIntegration, resumeIntegration } from '../../store/integrations.ts';
import { listUsers } from '../../store/users.ts';
import { listStreams } from '../../store/streams.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { readCredentials, readSettings, wholeNumber } from '../input.ts';
import { facts, table } from '../output.ts';
import { oauthApp, webhookApp } from './apps.ts';
import { connectByConsent, exchange } from './connect.ts';
import { registerImport } from './import.ts';
import { syncIntegration } from './sync.ts';
import { requireIntegration, requireUser } from '../lookup.ts';

interface AddOptions {
  readonly user: string;
  readonly platform: string;
  readonly credentialsFile: string;
  readonly settingsFile?: string;
  readonly interval?: string;
  readonly cron?: string;
  readonly timezone?: string;
}

async function add(context: CommandContext, options: AddOptions): Promise<void> {
  const { output, config } = context;
  const connector = connectorOf(options.platform);
  const schedule = {
    intervalMinutes:
      options.interval === undefined ? null : wholeNumber(options.interval, '--interval', { min: 1, max: 44_640 }),
    cron: options.cron ?? null,
    timezone: options.timezone ?? null,
  };
  checkSchedule(schedule, new Date());
  const settings = await readSettings(options.settingsFile, connector.settings);
  const credential = await readCredentials(options.credentialsFile, connector.credential);
  const user = await requireUser(context, options.user);
  const { api } = await context.session();
  const integration = await connectAccount({
    api,
    config,
    connector,
    user,
    schedule,
    settings,
    credential,
    now: new Date(),
  });
  output.result(integration, () => output.line(integration.id));
}

async function list({ output, session }: CommandContext): Promise<void> {
  const { api } = await session();
  const { integrations, users } = await api.tx({ kind: 'ops' }, async (tx) => ({
    integrations: await listIntegrations(tx),
    users: await listUsers(tx),
  }));
  const emails = new Map(users.map((user) => [user.id, user.email]));
  output.result({ integrations }, () => {
    const rows = integrations.map((it) => [
      it.id,
      emails.get(it.userId) ?? it.userId,
      it.platformId,
      it.displayName,
      it.pausedAt === null ? it.status : 'paused',
      it.lastSyncAt,
      it.nextSyncAt,
    ]);
    output.line(table(['id', 'user', 'platform', 'account', 'status', 'last sync', 'next sync'], rows));
  });
}

async function show(context: CommandContext, _options: object, [id = '']: readonly string[]): Promise<void> {
  const integration = await requireIntegration(context, id);
  const { api } = await context.session();
  const { streams, grant } = await api.tx({ kind: 'ops' }, async (tx) => ({
    streams: await listStreams(tx, id),
    grant: await findGrant(tx, id),
  }));
  const { grantExpiresAt, reconnect } = grantStateOf(
    integration,
    grant,
    connectorOf(integration.platformId),
    new Date(),
  );
  context.output.result({ ...integration, streams, grantExpiresAt, reconnect }, () => {
    const { settings: _settings, ...shown } = integration;
    context.output.line(facts({ ...shown, grantExpiresAt }));
    if (reconnect !== null) context.output.line(`reconnect (${reconnect.because}): ${reconnect.command}`);
    context.output.line();
    const rows = streams.map((it) => [
      it.stream,
      it.enabled ? it.status : 'disabled',
      it.statusMessage,
      it.lastSuccessAt,
      it.nextSyncAt,
    ]);
    context.output.line(table(['stream', 'status', 'why', 'last success', 'next'], rows));
  });
}

async function pause(context: CommandContext, _options: object, [id = '']: readonly string[]): Promise<void> {
  await requireIntegration(context, id);
  const { api } = await context.session();
  const changed = await api.tx({ kind: 'ops' }, (tx) => pauseIntegration(tx, id, new Date()));
  context.output.result({ id, paused: true, changed }, () =>
    context.output.line(changed ? 'paused' : 'was paused already'),
  );
}

async function resume(context: CommandContext, _options: object, [id = '']: readonly string[]): Promise<void> {
  await requireIntegration(context, id);
  const { api } = await context.session();
  const changed = await api.tx({ kind: 'ops' }, (tx) => resumeIntegration(tx, id, new Date()));
  context.output.result({ id, paused: false, changed }, () =>
    context.output.line(changed ? 'resumed' : 'was not paused'),
  );
}

async function remove(
  context: CommandContext,
  { yes }: { readonly yes?: true },
  [id = '']: readonly string[],
): Promise<void> {
  const integration = await requireIntegration(context, id);
  if (yes !== true)
    throw new AppError(
      'usage.invalid',
      `this deletes ${integration.platformId} ${integration.displayName ?? id} with its synced data: add --yes`,
    );
  const { api } = await context.session();
  await api.tx({ kind: 'ops' }, (tx) => removeIntegration(tx, id));
  context.output.result({ id, removed: true }, () => context.output.line('removed'));
}

async function credentials(
  context: CommandContext,
  { credentialsFile }: { readonly credentialsFile: string },
  [id = '']: readonly string[],
): Promise<void> {
  const integration = await requireIntegration(context, id);
  const connector = connectorOf(integration.platformId);
  const credential = await readCredentials(credentialsFile, connector.credential);
  const { api } = await context.session();
  const version = await replaceCredentials({
    api,
    config: context.config,
    connector,
    integration,
    credential,
    now: new Date(),
  });
  context.output.result({ id, version }, () =>
    context.output.line(`credentials replaced (version ${version}); the integration is connected again`),
  );
}

async function testCredentials(context: CommandContext, _options: object, [id = '']: readonly string[]): Promise<void> {
  const { userId } = await requireIntegration(context, id);
  const { queue } = await context.session();
  const tested = await testCredential({ queue, clock: systemClock }, { integrationId: id, userId }, context.signal);
  const { outcome, account, error, jobId } = tested;
  context.output.result({ id, ...tested }, () => {
    if (account !== null) context.output.line(`works: ${account.displayName} (${account.externalAccountId})`);
  });
  if (outcome === 'refused')
    throw new AppError('run.unsuccessful', `${error?.code ?? 'unknown'}: ${error?.message ?? ''}`);
  if (outcome === 'unfinished')
    throw new AppError('run.unsuccessful', `no worker has done it yet: see \`tidemark jobs show ${jobId}\``);
}

export const registerIntegrations: Registration = (program, run) => {
  const group = program.command('integrations').description('accounts of users on platforms');
  subcommand(group, 'add', 'connect an account; prints the id')
    .requiredOption('--user <email-or-id>', 'whose account')
    .requiredOption('--platform <id>', 'for example upwork')
    .requiredOption('--credentials-file <json>', 'what the platform gave; see the platform’s README')
    .option('--settings-file <json>', 'what to fetch')
    .option('--interval <minutes>', 'every so many minutes (default: each stream’s own)')
    .option('--cron <expression>', 'at these times, with --timezone')
    .option('--timezone <zone>', 'IANA zone of --cron')
    .action(run(add));
  subcommand(group, 'connect', 'connect an account by consent; prints the address to open in a browser')
    .requiredOption('--user <email-or-id>', 'whose account')
    .requiredOption('--platform <id>', 'for example upwork')
    .option('--integration <id>', 'renew the grant of this integration')
    .option('--settings-file <json>', 'what to fetch')
    .action(run(connectByConsent));
  subcommand(group, 'exchange <id>', 'how far a consent is')
    .option('--organization <id>', 'act for this one')
    .action(run(exchange));
  subcommand(group, 'list', 'all integrations').action(run(list));
  subcommand(group, 'show <id>', 'one integration with its streams').action(run(show));
  subcommand(group, 'sync <id>', 'fetch now')
    .option('--stream <name>', 'only this one')
    .option('--full', 'everything, not only what changed')
    .option('--wait', 'until it has ended; exit code 1 unless all succeeded')
    .action(run(syncIntegration));
  subcommand(group, 'test <id>', 'ask the platform whether the credentials work; exit code 1 unless they do').action(
    run(testCredentials),
  );
  subcommand(group, 'pause <id>', 'fetch nothing until it is resumed').action(run(pause));
  subcommand(group, 'resume <id>', 'go on').action(run(resume));
  subcommand(group, 'credentials <id>', 'replace the credentials')
    .requiredOption('--credentials-file <json>', 'the new ones')
    .action(run(credentials));
  subcommand(group, 'remove <id>', 'delete it with its synced data').option('--yes', 'really').action(run(remove));
  registerImport(group, run);
  subcommand(group, 'oauth-app', 'store client id and secret of our app at a platform')
    .requiredOption('--platform <id>', 'for example upwork')
    .requiredOption('--credentials-file <json>', '{"client_id": …, "client_secret": …}')
    .action(run(oauthApp));
  subcommand(group, 'webhook-app', 'store the secret by which a platform signs its webhooks; prints the callback URL')
    .requiredOption('--platform <id>', 'for example whatsapp')
    .requiredOption('--credentials-file <json>', '{"app_id": …, "app_secret": …, "verify_token": …}')
    .action(run(webhookApp));
};
