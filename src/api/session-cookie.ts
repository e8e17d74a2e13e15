// The cookie of a browser that signed in. Its value is random and means nothing but itself.

import { SECOND_MS } from '../core/duration.ts';

export const SESSION_COOKIE = 'tidemark_session';
/** 32 random bytes, base64url. */
const VALUE = /^[\w-]{43}$/;

/** The session's secret in a `Cookie` header; null when there is none. */
export function sessionOf(header: string | undefined): string | null {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() !== SESSION_COOKIE) continue;
    const value = pair.slice(at + 1).trim();
    return VALUE.test(value) ? value : null;
  }
  return null;
}

export interface CookieOptions {
  readonly lastsMs: number;
  /** `https`: the browser sends it over TLS only. */
  readonly protocol: string;
}

/** A `Set-Cookie` header; an empty value with `lastsMs` 0 takes the cookie away. */
export function sessionCookie(value: string, { lastsMs, protocol }: CookieOptions): string {
  const secure = protocol === 'https' ? '; Secure' : '';
  return `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(lastsMs / SECOND_MS)}${secure}`;
}
