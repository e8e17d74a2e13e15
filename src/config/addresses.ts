// The addresses that may stand in the environment, as zod schemas. They are checked for form only: nothing here connects.

import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { Secret } from '../core/secret.ts';

const HOSTS = String.raw`[^\s/?#,]+(?:,[^\s/?#,]+)*`;
const REDIS_FORMS = [
  /^rediss?:\/\/[^\s/?#]+(?:\/\d*)?(?:\?\S*)?$/,
  new RegExp(String.raw`^redis-cluster:\/\/${HOSTS}\/?$`),
  new RegExp(String.raw`^redis-sentinel:\/\/${HOSTS}\/[\w.-]+(?:\/\d+)?$`),
];

function isPostgresAddress(text: string): boolean {
  if (!/^postgres(?:ql)?:\/\/\S*$/.test(text)) return false;
  // A unix socket has no host before the path (`postgres://user@/db?host=/run/pg`); the URL parser wants one.
  return URL.canParse(text.replace('@/', '@socket/').replace(':///', '://socket/'));
}

function isOrigin(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

/** A Postgres address with its login, wrapped. */
export const postgresAddress = z
  .string()
  .refine(isPostgresAddress)
  .transform((text) => new Secret(text));

/** A Redis address of any of the four forms, wrapped. */
export const redisAddress = z
  .string()
  .refine((text) => REDIS_FORMS.some((form) => form.test(text)))
  .transform((text) => new Secret(text));

/** An http(s) address without credentials, query or fragment; a trailing slash is dropped. */
export const baseAddress = z
  .string()
  .refine(isOrigin)
  .transform((text) => text.replace(/\/+$/, ''));

/** An entry that cannot hold a password is quoted; any other is named by its place in the list. */
function entryName(text: string, index: number): string {
  return /^[\w.:/]{1,50}$/.test(text) ? text : `entry ${index + 1}`;
}

/** Networks in CIDR form, separated by commas; each that is none is named. */
export const networks = z
  .string()
  .transform((text) => text.split(',').map((network) => network.trim()))
  .superRefine((list, context) => {
    for (const [index, network] of list.entries()) {
      if (ipaddr.isValidCIDR(network)) continue;
      context.addIssue({ code: 'custom', message: `${entryName(network, index)} is no network` });
    }
  });
