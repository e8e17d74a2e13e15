// Redirects are followed by us and not by axios: within one origin only, three at most, and never so that a method
// changes behind the caller's back. Credentials therefore never reach another host.

import { AppError } from '../core/errors.ts';
import type { HttpRequest, HttpResponse } from './http-client.ts';
import { redactUrl } from './redact.ts';

export const MAX_REDIRECTS = 3;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface Hop {
  readonly method: HttpRequest['method'];
  readonly url: URL;
  /** Redirects followed so far. */
  readonly count: number;
}

/** The next hop, or undefined when the answer is not a redirect. Throws `http.redirect_denied`. */
export function nextHop(hop: Hop, response: Pick<HttpResponse, 'status' | 'headers'>): Hop | undefined {
  const location = response.headers['location'];
  if (!REDIRECTS.has(response.status) || location === undefined) return undefined;
  if (!URL.canParse(location, hop.url.href)) throw denied(hop, 'a valid location', '(not a URL)');
  const url = new URL(location, hop.url);
  if (url.origin !== hop.url.origin) throw denied(hop, `a location within ${hop.url.origin}`, redactUrl(url));
  if (url.username !== '' || url.password !== '') throw denied(hop, 'a location without credentials', redactUrl(url));
  if (hop.count >= MAX_REDIRECTS) throw denied(hop, `at most ${MAX_REDIRECTS} redirects`, redactUrl(url));
  return { method: methodAfter(hop, response.status), url, count: hop.count + 1 };
}

/** 303 means "read the result there"; 307 and 308 repeat; 301 and 302 of a POST are ambiguous and refused. */
function methodAfter(hop: Hop, status: number): Hop['method'] {
  if (hop.method === 'GET' || status === 303) return 'GET';
  if (status === 307 || status === 308) return hop.method;
  throw denied(hop, 'status 303, 307 or 308 after POST', `status ${status}`);
}

function denied(hop: Hop, expected: string, got: string): AppError {
  return new AppError('http.redirect_denied', `${redactUrl(hop.url)} redirects: expected ${expected}, got ${got}`);
}
