// A browser sends its cookie and its password with every request, whoever made it send one. So what they open may change
// something only for a page of ours: browsers say where a request comes from, and nobody can make them lie about it.

import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

function isOwnOrigin(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

/** Throws `api.cross_site`. */
export function requireOwnPage({ method, headers, host }: FastifyRequest): void {
  if (SAFE.has(method)) return;
  const site = headers['sec-fetch-site'];
  // `host` is the one that a trusted proxy was asked for; browsers leave the first header out where there is no TLS.
  const { origin } = headers;
  const isOwn = site === undefined ? origin !== undefined && isOwnOrigin(origin, host) : site === 'same-origin';
  if (!isOwn) throw new AppError('api.cross_site', 'expected a page of this server to ask for this, or a bearer token');
}
