// What a server's INFO says, and whether that will do.

import { AppError } from '../../../src/core/errors.ts';

export const OLDEST_VERSION = 7;

/** One line of INFO; empty when the server does not tell. */
export function factOf(info: string, name: string): string {
  return new RegExp(String.raw`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
}

export interface ServerFacts {
  readonly version: string;
  /** `noeviction` is the one under which no job is dropped; empty when the server does not tell. */
  readonly evictionPolicy: string;
}

export function serverFactsOf(info: string): ServerFacts {
  return { version: factOf(info, 'redis_version'), evictionPolicy: factOf(info, 'maxmemory_policy') };
}

export function isTooOld({ version }: ServerFacts): boolean {
  return Number.parseInt(version, 10) < OLDEST_VERSION;
}

/** Whether it may throw keys away; one that does not tell is trusted. */
export function mayEvict({ evictionPolicy }: ServerFacts): boolean {
  return evictionPolicy !== '' && evictionPolicy !== 'noeviction';
}

/** Throws `config.invalid` when the server of this INFO is too old, or may throw keys away. */
export function checkServer(info: string, allowEviction: boolean): void {
  const facts = serverFactsOf(info);
  if (isTooOld(facts)) {
    throw new AppError('config.invalid', `expected Redis ${OLDEST_VERSION} or newer, got ${facts.version}`);
  }
  if (allowEviction || !mayEvict(facts)) return;
  throw new AppError(
    'config.invalid',
    `expected Redis with maxmemory-policy noeviction, got ${facts.evictionPolicy}: it may throw away queued jobs. ` +
      'TIDEMARK_REDIS_ALLOW_EVICTION=true accepts it',
  );
}
