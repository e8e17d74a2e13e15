// What a server's INFO says, and whether that will do.

import { AppError } from '../../../src/core/errors.ts';

const OLDEST_VERSION = 7;

/** One line of INFO; empty when the server does not tell. */
export function factOf(info: string, name: string): string {
  return new RegExp(String.raw`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
}

/** Throws `config.invalid` when the server of this INFO is too old, or may throw keys away. */
export function checkServer(info: string, allowEviction: boolean): void {
  const version = factOf(info, 'redis_version');
  if (Number.parseInt(version, 10) < OLDEST_VERSION) {
    throw new AppError('config.invalid', `expected Redis ${OLDEST_VERSION} or newer, got ${version}`);
  }
  const policy = factOf(info, 'maxmemory_policy');
  if (allowEviction || policy === '' || policy === 'noeviction') return;
  throw new AppError(
    'config.invalid',
    `expected Redis with maxmemory-policy noeviction, got ${policy}: it may throw away queued jobs. ` +
      'TIDEMARK_REDIS_ALLOW_EVICTION=true accepts it',
  );
}
