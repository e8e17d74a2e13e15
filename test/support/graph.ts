// A Graph API of few words for tests of the WhatsApp connector: each answer is what a function makes of the request.

import { whatsapp } from '../../src/connectors/whatsapp/index.ts';
import type { ReadContext } from '../../src/connectors/contract/stream.ts';
import type { Governor } from '../../src/limits/governor.ts';
import { readPass, rigContext, streamOf, type Pass } from './connector-rig.ts';
import { serve, type Asked } from './loopback.ts';

export const GRAPH_NOW = new Date('2026-11-20T09:30:00Z');
export const TOKEN = 'EAAJZCexampleTOKENofASystemUser';
export const NUMBER = '106540352242922';
/** Past 2^53. */
export const WABA = '9007199254740993001';

export interface GraphRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Asked['headers'];
}

export interface GraphAnswer {
  readonly status?: number;
  readonly body?: unknown;
  /** Instead of a JSON body. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Graph {
  readonly baseUrl: string;
  readonly asked: readonly GraphRequest[];
  context(options?: { readonly settings?: unknown; readonly governor?: Governor }): ReadContext<unknown, unknown>;
  read(stream: string, over?: Parameters<typeof readPass>[2], settings?: unknown): Promise<Pass>;
  /** Parsed records of a pass, in order. */
  parsed(stream: string, pass: Pass): readonly unknown[];
}

/** Starts a server that ends with the test. */
export async function startGraph(answer: (request: GraphRequest, n: number) => GraphAnswer): Promise<Graph> {
  const asked: GraphRequest[] = [];
  const server = await serve((response, { method, url, headers, body }, n) => {
    const { pathname, searchParams } = new URL(url, 'http://graph');
    const request = {
      method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers,
      body: body === '' ? undefined : (JSON.parse(body) as unknown),
    };
    asked.push(request);
    const { status = 200, body: said = {}, text, headers: more = {} } = answer(request, n);
    response.writeHead(status, { 'content-type': 'application/json', ...more });
    response.end(text ?? JSON.stringify(said));
  });
  const context: Graph['context'] = ({ settings = { waba_id: WABA }, governor } = {}) =>
    rigContext({
      connector: whatsapp,
      baseUrl: server.origin,
      credentials: { access_token: TOKEN, phone_number_id: NUMBER },
      settings,
      now: () => GRAPH_NOW,
      ...(governor === undefined ? {} : { governor }),
    });
  return {
    baseUrl: server.origin,
    asked,
    context,
    read: (stream, over = {}, settings = { waba_id: WABA }) =>
      readPass(streamOf(whatsapp, stream), context({ settings }), over),
    parsed: (name, { pages }) => {
      const stream = streamOf(whatsapp, name);
      return pages.flatMap(({ records }) => records.map((raw) => stream.parse(raw)));
    },
  };
}

/** An error as the Graph API words it. */
export const graphError = (code: number, over: object = {}): object => ({
  error: { message: 'said', type: 'OAuthException', code, fbtrace_id: 'AX', ...over },
});
