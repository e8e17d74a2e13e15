// Base URL overrides: where a platform's official addresses lead instead, for simulators and proxies (design 3).

import { AppError } from '../core/errors.ts';

/** Platform id → base URL that stands for the platform. */
export type BaseUrls = Readonly<Partial<Record<string, string>>>;

/** Platforms with many hosts: the host's first label becomes the first path segment. */
const MANY_HOSTS: ReadonlySet<string> = new Set(['upwork', 'wildberries']);

/** The override of a platform as a URL without query and fragment; throws `config.invalid`. */
export function overrideOf(baseUrls: BaseUrls, platform: string): URL | undefined {
  const text = Object.hasOwn(baseUrls, platform) ? baseUrls[platform] : undefined;
  if (text === undefined || text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.search + url.hash === '') {
    return url;
  }
  throw new AppError('config.invalid', `expected ${platform} base URL to be http(s) without credentials and query`);
}

/**
 * The address to send to: `https://api.upwork.com/graphql` → `<override>/api/graphql`; of a platform with one host
 * `https://api.github.com/user` → `<override>/user`. Without an override the official address itself.
 */
export function applyBaseUrl(platform: string, official: URL, override: URL | undefined): URL {
  if (override === undefined) return official;
  const prefix = override.pathname.replace(/\/+$/, '');
  const label = MANY_HOSTS.has(platform) ? `/${official.hostname.split('.')[0]}` : '';
  return new URL(`${override.origin}${prefix}${label}${official.pathname}${official.search}`);
}
