// What of a request may be seen in logs, errors and metrics: never a secret, whichever place a platform wants it in.

const MASK = '***';

/** Headers whose values are never shown. */
const SECRET_HEADERS =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|api-key|client-id|x-api-key)$|token|secret/i;

/** A Telegram bot token stands in the path: `/bot<id>:<token>/getMe`, `/file/bot<id>:<token>/…`. */
const BOT_TOKEN = /\/bot\d+(?::|%3a)[^/]*/gi;

/** An address for people: query values, credentials, fragment and bot tokens masked. Never throws. */
export function redactUrl(url: string | URL): string {
  const parsed = typeof url === 'string' && !URL.canParse(url) ? undefined : new URL(url);
  if (parsed === undefined) return '(not a URL)';
  const query = [...new Set(parsed.searchParams.keys())].map((name) => `${encodeURIComponent(name)}=${MASK}`).join('&');
  const path = parsed.pathname.replace(BOT_TOKEN, `/bot${MASK}`);
  return `${parsed.protocol}//${parsed.host}${path}${query === '' ? '' : `?${query}`}`;
}

/** Headers for people. */
export function redactHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, SECRET_HEADERS.test(name) ? MASK : String(value)]),
  );
}
