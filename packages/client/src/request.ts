// A call as a request: path, query and body put together out of one object, and nothing sent that would mean another one.

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly body: readonly string[];
  /** What the answer is: JSON, events, or text. */
  readonly form?: string;
  /** Honours `Idempotency-Key`. */
  readonly idempotent: boolean;
}

export type Fields = Readonly<Record<string, unknown>>;

const VISIBLE = /^[\x21-\x7e]+$/;
const LONGEST_KEY = 255;

/** What came may be a secret with a slip of the pen: no message repeats it. */
export function checkToken(token: string): void {
  if (typeof token !== 'string' || !VISIBLE.test(token))
    throw new TypeError('token: expected visible ASCII characters, as `tidemark tokens create` prints them');
}

export function checkKey(key: string): void {
  if (!VISIBLE.test(key) || key.length > LONGEST_KEY)
    throw new TypeError(`idempotencyKey: expected 1 to ${LONGEST_KEY} visible ASCII characters`);
}

/** The address that paths are added to. */
export function baseOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url === undefined || !isPlain || !['http:', 'https:'].includes(url.protocol))
    throw new TypeError('baseUrl: expected an http or https address without credentials, query and fragment');
  return url.href.replace(/\/+$/, '');
}

function pick(request: Fields, names: readonly string[]): readonly (readonly [string, unknown])[] {
  return names.map((name) => [name, request[name]] as const).filter(([, value]) => value !== undefined);
}

/** One part of a path; `.` and `..` would be taken for steps. */
function segmentOf(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value === '.' || value === '..')
    throw new TypeError(`${name}: expected text, got ${value === '' ? 'none' : String(value)}`);
  return encodeURIComponent(value);
}

/** Throws TypeError for a path parameter that is missing. */
export function urlOf(base: string, { path, query }: Operation, request: Fields): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => segmentOf(name, request[name]));
  const search = new URLSearchParams(
    pick(request, query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  return `${base}${filled}${search.size === 0 ? '' : `?${search.toString()}`}`;
}

/** Undefined: the operation has none. */
export function bodyOf(operation: Operation, request: Fields): string | undefined {
  return operation.body.length === 0 ? undefined : JSON.stringify(Object.fromEntries(pick(request, operation.body)));
}
