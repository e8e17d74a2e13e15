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
    isActive: z.boolean().meta({ description: 'False: none of the accounts is synced' }),
    createdAt: instant,
  })
  .meta({ id: 'User' });

const tag = 'users';
const name = z.string().trim().min(1).max(255);
const timezone = z.string().min(1).max(100);
const currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 currency like EUR');
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
    reach: 'installation',
    tag,
    summary: 'Add a user',
    body: z.strictObject({
      email: z.string().trim().min(3).max(320),
      name,
      timezone: timezone.default('UTC'),
      reportingCurrency: currency.default('USD'),
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
  updateUser: operation({
    method: 'PATCH',
    path: '/v1/users/{userId}',
    scope: 'admin',
    tag,
    summary: 'Change a user; a new zone or currency has the metrics of all days computed again',
    params,
    body: z
      .strictObject({
        name,
        timezone: timezone.optional(),
        reportingCurrency: currency.optional(),
        isActive: z.boolean(),
      })
      .partial(),
    answer: user,
  }),
  removeUser: operation({
    method: 'DELETE',
    path: '/v1/users/{userId}',
    scope: 'admin',
    reach: 'installation',
    tag,
    summary: 'Remove a user with everything that was synced for him',
    params,
    status: 204,
    answer: z.undefined(),
  }),
};
