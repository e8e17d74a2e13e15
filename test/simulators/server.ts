// The HTTP side that all platform simulators share: a loopback server on a free port, routes with the host's label as
// first path segment, the journal, and the faults. It knows no platform and must never reach beyond 127.0.0.1.

import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import type { Fault, Faults } from './faults.ts';
import type { Journal, JournalEntry } from './journal.ts';

export interface SimulatorRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Named groups of the route's expression. */
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** An object body is sent as JSON, a string as it is (`content-type` from `headers`). */
export interface SimulatorAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Instead of a body: its pieces, made while they are sent. Faults that change a body do not touch it. */
  readonly pieces?: Iterable<string>;
}

/** Who is asking for what, for the journal and for the matching of faults. Must not have side effects. */
export interface RequestLabels {
  readonly operation?: string | undefined;
  readonly operationName?: string | undefined;
  readonly tenant?: string | undefined;
  readonly account?: string | undefined;
}

export interface Route {
  readonly method: string;
  /** Whole path with the host's label first; an expression is matched against the whole path. */
  readonly path: string | RegExp;
  label?(request: SimulatorRequest): RequestLabels;
  answer(request: SimulatorRequest): SimulatorAnswer | Promise<SimulatorAnswer>;
}

export interface SimulatorServerOptions {
  readonly routes: readonly Route[];
  readonly journal: Journal;
  readonly faults: Faults;
  /** Asked before any route and fault, e.g. a rate limit per IP; an answer ends the request. */
  readonly gate?: (request: SimulatorRequest) => SimulatorAnswer | undefined;
  readonly now: () => Date;
  readonly mono: () => number;
  /** How a path is written down and matched by faults; for platforms whose paths hold a secret. */
  readonly journalPath?: (path: string) => string;
}

export interface SimulatorServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. Throws before `start`. */
  readonly baseUrl: string;
  /** Listens on `port`, or on a free one. */
  start(port?: number): Promise<void>;
  /** Ends held and slow requests, closes every connection. Safe to call twice. */
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const HTML_403 =
  '<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>' +
  '<body><h1>Sorry, you have been blocked</h1></body></html>';

/** A server over `routes`; several can run in one process. */
export function createSimulatorServer(options: SimulatorServerOptions): SimulatorServer {
  let server: Server | undefined;
  let stopping = new AbortController();
  return {
    get baseUrl() {
      if (server === undefined) throw new Error('expected a started simulator: call start() before baseUrl');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    async start(port = 0) {
      if (server !== undefined) return;
      stopping = new AbortController();
      const starting = createServer((incoming, outgoing) => {
        serve({ options, incoming, outgoing, signal: stopping.signal }).catch((error: unknown) =>
          outgoing.destroy(error as Error),
        );
      });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      starting.once('error', reject);
      starting.listen(port, '127.0.0.1', resolve);
      await promise;
      server = starting;
    },
    async stop() {
      const closing = server;
      if (closing === undefined) return;
      server = undefined;
      stopping.abort();
      const { promise, resolve } = Promise.withResolvers<void>();
      closing.close(() => resolve());
      closing.closeAllConnections();
      await promise;
    },
  };
}

interface Exchange {
  readonly options: SimulatorServerOptions;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly signal: AbortSignal;
}

async function serve(exchange: Exchange): Promise<void> {
  const { options, incoming, outgoing, signal } = exchange;
  const { request, route } = await readRequest(incoming, options.routes);
  const labels = route?.label?.(request) ?? {};
  const { method } = request;
  const path = options.journalPath?.(request.path) ?? request.path;
  const entry = options.journal.open({ method, path, ...labels, at: options.now(), monoMs: options.mono() });
  const refused = options.gate?.(request);
  const fault = refused === undefined ? options.faults.take({ path, ...labels }) : undefined;
  entry.fault = fault?.kind;
  if (fault !== undefined) await waitFor(fault, signal);
  const early = refused ?? (fault && answerInstead(fault));
  if (early === 'reset') return reset(exchange, entry);
  const answer = early ?? (await answerOf(route, request));
  if (fault?.kind === 'reset-after-processing') return reset(exchange, entry);
  if (answer.pieces !== undefined) await sendPieces(outgoing, answer, answer.pieces, fault?.kind === 'truncated-json');
  else
    send({
      outgoing,
      answer: fault?.kind === 'garbage-page' ? garbled(answer, fault) : answer,
      cut: fault?.kind === 'truncated-json',
    });
  options.journal.close(entry, answer.status);
}

async function readRequest(
  incoming: IncomingMessage,
  routes: readonly Route[],
): Promise<{ request: SimulatorRequest; route: Route | undefined }> {
  const url = new URL(incoming.url ?? '/', 'http://simulator');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`expected a request body of at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const method = incoming.method ?? 'GET';
  const route = routes.find(
    (candidate) => candidate.method === method && groupsOf(candidate, url.pathname) !== undefined,
  );
  const params = (route && groupsOf(route, url.pathname)) ?? {};
  const body = Buffer.concat(chunks).toString('utf8');
  return {
    request: { method, path: url.pathname, query: url.searchParams, headers: incoming.headers, body, params },
    route,
  };
}

function groupsOf(route: Route, path: string): Record<string, string | undefined> | undefined {
  if (typeof route.path === 'string') return route.path === path ? {} : undefined;
  const match = route.path.exec(path);
  return match?.[0] === path ? { ...match.groups } : undefined;
}

/** A bug in a simulator shows as a 500 with its stack, not as a hanging request. */
async function answerOf(route: Route | undefined, request: SimulatorRequest): Promise<SimulatorAnswer> {
  if (route === undefined) return { status: 404, body: { message: `no route for ${request.method} ${request.path}` } };
  try {
    return await route.answer(request);
  } catch (error) {
    const stack = error instanceof Error ? error.stack : String(error);
    return { status: 500, body: { message: 'the simulator itself failed', stack } };
  }
}

async function waitFor(fault: Fault, signal: AbortSignal): Promise<void> {
  if (fault.kind === 'slow') await delay(fault.ms, undefined, { signal }).catch(() => undefined);
  if (fault.kind !== 'hold') return;
  const stopped = Promise.withResolvers<void>();
  const onStop = (): void => stopped.resolve();
  signal.addEventListener('abort', onStop, { once: true });
  await Promise.race([fault.until, stopped.promise]).catch(() => undefined);
  signal.removeEventListener('abort', onStop);
}

function answerInstead(fault: Fault): SimulatorAnswer | 'reset' | undefined {
  switch (fault.kind) {
    case 'status':
      return {
        status: fault.status,
        headers: fault.headers ?? {},
        body: fault.body ?? { message: `simulated ${fault.status}` },
      };
    case 'reset':
      return 'reset';
    case 'html-403':
      return { status: 403, headers: { 'content-type': 'text/html; charset=UTF-8' }, body: HTML_403 };
    case 'graphql-error': {
      const error = { message: fault.message, ...(fault.extensions && { extensions: fault.extensions }) };
      return { status: 200, body: { data: fault.data ?? null, errors: [error] } };
    }
    case 'reset-after-processing':
    case 'truncated-json':
    case 'slow':
    case 'hold':
    case 'garbage-page':
      return undefined;
  }
}

function garbled(answer: SimulatorAnswer, fault: Extract<Fault, { kind: 'garbage-page' }>): SimulatorAnswer {
  const garble = fault.garble ?? (() => ({ data: 'lorem ipsum', rows: [null, 42, '\u0000'], page: [{}] }));
  return { ...answer, body: garble(answer.body) };
}

function reset({ options, incoming }: Exchange, entry: JournalEntry): void {
  incoming.socket.resetAndDestroy();
  options.journal.close(entry, 0);
}

async function sendPieces(
  outgoing: ServerResponse,
  { status, headers }: SimulatorAnswer,
  pieces: Iterable<string>,
  cut: boolean,
): Promise<void> {
  outgoing.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  let sent = 0;
  for (const piece of pieces) {
    sent += 1;
    if (outgoing.destroyed || (cut && sent === 3)) break;
    if (!outgoing.write(piece)) await once(outgoing, ['drain', 'close']);
  }
  outgoing.end();
}

function once(outgoing: ServerResponse, events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of events) outgoing.off(event, done);
      resolve();
    };
    for (const event of events) outgoing.on(event, done);
  });
}

function send({ outgoing, answer, cut }: { outgoing: ServerResponse; answer: SimulatorAnswer; cut: boolean }): void {
  const { status, headers, body } = answer;
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  const payload = cut ? text.slice(0, Math.max(1, Math.floor(text.length / 2))) : text;
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  outgoing.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(payload), ...headers });
  outgoing.end(payload);
}
