// Finding what a person named on the command line.

import { AppError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import { findIntegration, type Integration } from '../store/integrations.ts';
import { findUser, type User } from '../store/users.ts';
import type { CommandContext } from './command.ts';

/** A user by e-mail address or id. Throws `not_found`. */
export async function requireUser({ session }: CommandContext, emailOrId: string): Promise<User> {
  const { api } = await session();
  const user = await api.tx({ kind: 'ops' }, (tx) => findUser(tx, emailOrId));
  if (user === null)
    throw new AppError('not_found', `expected the e-mail address or id of a user, got ${JSON.stringify(emailOrId)}`);
  return user;
}

/** An integration by id. Throws `usage.invalid`, `not_found`. */
export async function requireIntegration({ session }: CommandContext, id: string): Promise<Integration> {
  if (!isUuid(id)) throw new AppError('usage.invalid', `expected the id of an integration, got ${JSON.stringify(id)}`);
  const { api } = await session();
  const found = await api.tx({ kind: 'ops' }, (tx) => findIntegration(tx, id));
  if (found === null) throw new AppError('not_found', `no integration has the id ${id}`);
  return found;
}
