// Users: the tenants whose accounts are synced.

import { z } from 'zod';
import { operation } from './define.ts';
import { id, instant, pageOf, pageQuery } from './words.ts';

export const user = z
  .object({
    id,
    email: z.string(),
    name: z.string(),
    timezone: z.string().meta({ description: 'IANA zone whose days count' }),
    reportingCurrency: z.string().meta({ description: 'ISO 4217' }),
    isActive: z.boolean(),
    createdAt: instant,
  })
  .meta({ id: 'User' });

const tag = 'users';
const params = z.strictObject({ userId: id });

export const userOperations = {
  listUsers: operation({
    method: 'GET',
    path: '/v1/users',
    scope: 'read',
    tag,
    summary: 'Users, oldest first',
    query: z.strictObject(pageQuery),
    answer: pageOf(user),
  }),
  createUser: operation({
    method: 'POST',
    path: '/v1/users',
    scope: 'admin',
    tag,
    summary: 'Add a user',
    body: z.strictObject({
      email: z.string().trim().min(3).max(320),
      name: z.string().trim().min(1).max(255),
      timezone: z.string().max(100).default('UTC'),
      reportingCurrency: z
        .string()
        .regex(/^[A-Z]{3}$/)
        .default('USD'),
    }),
    status: 201,
    answer: user,
  }),
  getUser: operation({
    method: 'GET',
    path: '/v1/users/{userId}',
    scope: 'read',
    tag,
    summary: 'One user',
    params,
    answer: user,
  }),
};
