// The smallest client of the simulator, over plain fetch, for tests of the simulator itself. The product's connector is
// tested with its own HTTP client, not with this one.

import type { TelegramMessage } from './model.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** As it came, JSON or not. */
  readonly text: string;
  readonly ok: boolean | undefined;
  readonly result: unknown;
  readonly description: string | undefined;
  readonly parameters: unknown;
}

export interface PlainUpdate {
  readonly update_id: number;
  readonly message?: TelegramMessage;
  readonly [kind: string]: unknown;
}

/** How the parameters travel. */
export type Encoding = 'json' | 'form' | 'query' | 'multipart';

export interface AskOptions {
  readonly as?: Encoding;
  readonly signal?: AbortSignal;
}

type Parameters = Readonly<Record<string, unknown>>;

/** One call of a method with a token. Rejects when the connection is cut. */
export async function ask(
  baseUrl: string,
  token: string,
  method: string,
  parameters: Parameters = {},
  { as = 'json', signal }: AskOptions = {},
): Promise<Answer> {
  const url = new URL(`${baseUrl}/bot${token}/${method}`);
  const response = await fetch(url, { ...encoded(url, parameters, as), signal: signal ?? null });
  const text = await response.text();
  const body = parsed(text);
  return {
    status: response.status,
    headers: response.headers,
    text,
    ok: body['ok'] as boolean | undefined,
    result: body['result'],
    description: body['description'] as string | undefined,
    parameters: body['parameters'],
  };
}

/** Ids of what `getUpdates` gave. */
export function updateIds({ result }: Answer): number[] {
  return (result as readonly PlainUpdate[]).map(({ update_id: id }) => id);
}

/** Kinds of what `getUpdates` gave. */
export function updateKinds({ result }: Answer): string[] {
  return (result as readonly PlainUpdate[]).map((update) => Object.keys(update).find((name) => name !== 'update_id')!);
}

/** Texts of the messages among what `getUpdates` gave. */
export function texts({ result }: Answer): unknown[] {
  return (result as readonly PlainUpdate[]).map(({ message }) => message?.['text']);
}

function encoded(url: URL, parameters: Parameters, as: Encoding): RequestInit {
  const pairs = Object.entries(parameters).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  switch (as) {
    case 'json':
      return {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(parameters),
      };
    case 'form':
      return { method: 'POST', body: new URLSearchParams(pairs) };
    case 'multipart': {
      const form = new FormData();
      for (const [name, value] of Object.entries(parameters))
        form.append(name, value instanceof File ? value : String(value));
      return { method: 'POST', body: form };
    }
    case 'query':
      for (const [name, value] of pairs) url.searchParams.set(name, value);
      return { method: 'GET' };
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
