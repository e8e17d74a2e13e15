// /v1/users

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { addUser, findUser, listUsers, type User } from '../../store/users.ts';
import type { ApiDeps, Handlers } from '../call.ts';
import { decodeCursor, pageOfRows } from '../cursor.ts';

const place = z.uuid();

const show = ({ createdAt, ...user }: User) => ({ ...user, createdAt: createdAt.toISOString() });

export function userRoutes(_deps: ApiDeps): Handlers<'listUsers' | 'createUser' | 'getUser'> {
  return {
    async listUsers({ query: { limit, cursor }, inTx }) {
      const after = cursor === undefined ? {} : { after: decodeCursor(cursor, place) };
      const rows = await inTx((tx) => listUsers(tx, { limit: limit + 1, ...after }));
      return pageOfRows(rows, limit, { show, place: ({ id }) => id });
    },
    async createUser({ body, inTx }) {
      return show(await inTx((tx) => addUser(tx, body)));
    },
    async getUser({ params: { userId }, inTx }) {
      const user = await inTx((tx) => findUser(tx, userId));
      if (user === null) throw new AppError('not_found', `no user has the id ${userId}`);
      return show(user);
    },
  };
}
