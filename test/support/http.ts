// A client over a real socket with a memory governor, and everything it told: for tests of what is built on http.

import { systemClock } from '../../src/core/clock.ts';
import { createHttpClient, type HttpClientDeps } from '../../src/http/client.ts';
import { createEgressPolicy } from '../../src/http/egress.ts';
import type { HttpCall, HttpClient, HttpClientScope, HttpRequest } from '../../src/http/http-client.ts';
import type { BucketRule } from '../../src/limits/governor.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import type { EventFields, EventLog } from '../../src/telemetry/event-log.ts';

export const NEVER = new AbortController().signal;

/** A rule that never makes anybody wait. */
export const OPEN_RULE: BucketRule = { id: 'test.open', requests: 1e6, perMs: 1_000, burst: 1e6, source: 'test' };

export interface TestClient extends HttpClient {
  readonly calls: readonly HttpCall[];
  readonly events: readonly { readonly event: string; readonly fields: EventFields | undefined }[];
  /** A POST or GET to the one allowed host. */
  send(request: Partial<HttpRequest>, signal?: AbortSignal): ReturnType<HttpClient['request']>;
}

export interface TestClientOptions {
  readonly baseUrl?: string;
  readonly deps?: Partial<HttpClientDeps>;
  readonly scope?: Partial<HttpClientScope>;
}

/** For clients whose user reads no body while it comes. */
export const NO_STREAM: Pick<HttpClient, 'stream'> = {
  stream: () => Promise.reject(new Error('expected no streamed request')),
};

/** `api.example.com` is the platform's official host; `baseUrl` stands in for it. Pauses between attempts are 1 ms. */
export function testClient({ baseUrl, deps = {}, scope = {} }: TestClientOptions): TestClient {
  const calls: HttpCall[] = [];
  const events: { event: string; fields: EventFields | undefined }[] = [];
  const log: EventLog = { emit: (event, fields) => void events.push({ event, fields }), with: () => log };
  const client = createHttpClient({
    governor: createMemoryGovernor({ clock: systemClock }),
    egress: createEgressPolicy(),
    clock: systemClock,
    log,
    baseUrls: baseUrl === undefined ? {} : { example: baseUrl },
    userAgent: 'tidemark-test',
    random: () => 0,
    ...deps,
  })({
    platform: 'example',
    workClass: 'incremental',
    allowedHosts: ['api.example.com'],
    onCall: (call) => void calls.push(call),
    ...scope,
  });
  return {
    calls,
    events,
    request: (request, signal) => client.request(request, signal),
    stream: (request, signal) => client.stream(request, signal),
    send: (request, signal = NEVER) =>
      client.request(
        {
          method: 'GET',
          url: 'https://api.example.com/v1/items',
          charges: [{ rule: OPEN_RULE, key: 'a' }],
          ...request,
        },
        signal,
      ),
  };
}
