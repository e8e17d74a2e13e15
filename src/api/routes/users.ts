// /v1/users

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Tx } from '../../db/database.ts';
import { changeUser, type UserChange } from '../../ops/change-user.ts';
import { removeUser } from '../../ops/remove-user.ts';
import { addUser, findUser, listUsers, type User } from '../../store/users.ts';
import type { ApiDeps, Handlers } from '../call.ts';
import type { userOperations } from '../contract/users.ts';
import { decodeCursor, pageOfRows } from '../cursor.ts';
import { showUser } from '../shown.ts';

const place = z.uuid();

function noUser(id: string): AppError {
  return new AppError('not_found', `no user has the id ${id}`);
}

async function requireUser(tx: Tx, id: string): Promise<User> {
  const user = await findUser(tx, id);
  if (user === null) throw noUser(id);
  return user;
}

export function userRoutes({ queue, clock }: ApiDeps): Handlers<keyof typeof userOperations> {
  return {
    async listUsers({ query: { limit, cursor }, inTx }) {
      const after = cursor === undefined ? {} : { after: decodeCursor(cursor, place) };
      const rows = await inTx((tx) => listUsers(tx, { limit: limit + 1, ...after }));
      return pageOfRows(rows, limit, { show: showUser, place: ({ id }) => id });
    },
    async createUser({ body, inTx }) {
      return showUser(await inTx((tx) => addUser(tx, body)));
    },
    async getUser({ params: { userId }, inTx }) {
      return showUser(await inTx((tx) => requireUser(tx, userId)));
    },
    async updateUser({ params: { userId }, body, inTx }) {
      const change: UserChange = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      const changed = await inTx((tx) => changeUser(tx, userId, change));
      if (changed === null) throw noUser(userId);
      return showUser(changed);
    },
    async removeUser({ params: { userId }, inTx, signal }) {
      if ((await removeUser({ queue, clock, inTx }, userId, signal)) === null) throw noUser(userId);
    },
  };
}
