// Reads a REDIS_URL. Whatever is wrong with it is told without repeating it: it carries a password.

import { AppError } from '../../../src/core/errors.ts';
import type { Secret } from '../../../src/core/secret.ts';

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export interface RedisLogin {
  readonly username?: string;
  readonly password?: string;
}

/** Where Redis is. `db` exists outside of a cluster only. */
export type RedisTarget = RedisLogin &
  (
    | { readonly kind: 'single'; readonly node: RedisNode; readonly db: number; readonly tls: boolean }
    | { readonly kind: 'cluster'; readonly nodes: readonly RedisNode[] }
    | { readonly kind: 'sentinel'; readonly nodes: readonly RedisNode[]; readonly master: string; readonly db: number }
  );

const FORM =
  /^(redis|rediss|redis-cluster|redis-sentinel):\/\/(?:([^\s/?#]*)@)?([^\s/?#@]+)(?:\/([^\s?#]*))?(?:\?\S*)?$/;
const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;

function invalid(): AppError {
  return new AppError(
    'config.invalid',
    'expected REDIS_URL as redis://host, rediss://host, redis-cluster://host,host or redis-sentinel://host,host/name',
  );
}

function parseNode(text: string, defaultPort: number): RedisNode {
  const match = /^(\[[0-9a-f:.]+\]|[^:]+)(?::(\d{1,5}))?$/i.exec(text);
  if (match === null) throw invalid();
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port: match[2] === undefined ? defaultPort : Number(match[2]) };
}

function parseLogin(userInfo: string | undefined): RedisLogin {
  if (userInfo === undefined || userInfo === '') return {};
  const colon = userInfo.indexOf(':');
  try {
    const username = decodeURIComponent(colon === -1 ? userInfo : userInfo.slice(0, colon));
    const password = colon === -1 ? '' : decodeURIComponent(userInfo.slice(colon + 1));
    return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
  } catch {
    throw invalid();
  }
}

function parseDb(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,5}$/.test(text)) throw invalid();
  return Number(text);
}

/** Throws `config.invalid` for anything that is none of the four forms. */
export function parseRedisUrl(url: Secret): RedisTarget {
  const match = FORM.exec(url.reveal());
  if (match === null) throw invalid();
  const [, scheme, userInfo, hosts = '', path] = match;
  const login = parseLogin(userInfo);
  const port = scheme === 'redis-sentinel' ? SENTINEL_PORT : REDIS_PORT;
  const nodes = hosts.split(',').map((host) => parseNode(host, port));
  if (scheme === 'redis-cluster') return { ...login, kind: 'cluster', nodes };
  if (scheme === 'redis-sentinel') {
    const [master, db] = (path ?? '').split('/');
    if (master === undefined || master === '') throw invalid();
    return { ...login, kind: 'sentinel', nodes, master, db: parseDb(db) };
  }
  if (nodes.length !== 1) throw invalid();
  return { ...login, kind: 'single', node: nodes[0]!, db: parseDb(path), tls: scheme === 'rediss' };
}
