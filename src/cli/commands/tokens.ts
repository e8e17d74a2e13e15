// tidemark tokens: who may use the HTTP interface and the boards.

import { AppError } from '../../core/errors.ts';
import { DAY_MS } from '../../core/duration.ts';
import { isUuid } from '../../core/ids.ts';
import { SCOPES, type Scope } from '../../core/scopes.ts';
import { insertApiToken, listApiTokens, revokeApiToken } from '../../store/api-tokens.ts';
import { createToken, hashToken } from '../../vault/token.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { requireUser } from '../lookup.ts';
import { wholeNumber } from '../input.ts';
import { table } from '../output.ts';

interface CreateOptions {
  readonly name: string;
  readonly scope: readonly string[];
  readonly days?: string;
  readonly user?: string;
}

function toScopes(given: readonly string[]): Scope[] {
  const scopes = given.flatMap((text) => text.split(','));
  const unknown = scopes.filter((scope) => !(SCOPES as readonly string[]).includes(scope));
  if (unknown.length > 0)
    throw new AppError('usage.invalid', `--scope: expected ${SCOPES.join(', ')}, got ${unknown.join(', ')}`);
  return [...new Set(scopes)] as Scope[];
}

async function create(context: CommandContext, { name, scope, days, user }: CreateOptions): Promise<void> {
  const { output } = context;
  const expiresAt =
    days === undefined ? null : new Date(Date.now() + wholeNumber(days, '--days', { min: 1, max: 3_650 }) * DAY_MS);
  const scopes = toScopes(scope);
  const token = createToken();
  const { api } = await context.session();
  const userId = user === undefined ? null : (await requireUser(context, user)).id;
  const { id } = await insertApiToken(api, { name, userId, scopes, expiresAt, tokenHash: hashToken(token.reveal()) });
  output.result({ id, name, userId, scopes, expiresAt, token: token.reveal() }, () => {
    output.note('shown once, stored as a hash only:');
    output.line(token.reveal());
  });
}

async function list({ output, session }: CommandContext): Promise<void> {
  const { api } = await session();
  const tokens = await listApiTokens(api);
  output.result({ tokens }, () => {
    const rows = tokens.map((token) => [
      token.id,
      token.name,
      token.userId ?? 'the installation',
      token.scopes,
      token.expiresAt,
      token.lastUsedAt,
      token.revokedAt,
    ]);
    output.line(table(['id', 'name', 'whose', 'scopes', 'expires', 'last used', 'revoked'], rows));
  });
}

async function revoke(
  { output, session }: CommandContext,
  _options: object,
  [id = '']: readonly string[],
): Promise<void> {
  if (!isUuid(id)) throw new AppError('usage.invalid', `expected the id of a token, got ${JSON.stringify(id)}`);
  const { api } = await session();
  if (!(await revokeApiToken(api, id, new Date()))) throw new AppError('not_found', `no valid token has the id ${id}`);
  output.result({ id, revoked: true }, () => output.line(`revoked ${id}`));
}

export const registerTokens: Registration = (program, run) => {
  const tokens = program.command('tokens').description('API tokens');
  subcommand(tokens, 'create', 'make a token; it is shown once')
    .requiredOption('--name <name>', 'whose it is')
    .requiredOption('--scope <scope...>', `any of ${SCOPES.join(', ')}`)
    .option('--user <user>', 'e-mail address or id: opens this user’s rows only (default: those of all users)')
    .option('--days <n>', 'valid for so many days (default: until revoked)')
    .action(run(create));
  subcommand(tokens, 'list', 'all tokens, newest first').action(run(list));
  subcommand(tokens, 'revoke <id>', 'end a token at once').action(run(revoke));
};
