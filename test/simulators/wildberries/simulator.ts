// The simulated Wildberries: its methods over real HTTP on a loopback port, the label of the host first in each path, with the
// platform's buckets and quirks. It answers from memory, never calls out, and belongs to tests and the demo only.

import { Faults } from '../faults.ts';
import { Journal } from '../journal.ts';
import { createSimulatorServer, type Route, type SimulatorAnswer, type SimulatorRequest } from '../server.ts';
import { rateHeaders, TokenBucket, type BucketLimit } from '../token-bucket.ts';
import { catalogueMethods } from './catalogue.ts';
import { orderMethods } from './orders.ts';
import { Answer, type Method } from './resource.ts';
import { createSellers, type AddedSeller, type NewSeller, type Row, type Seller } from './state.ts';
import { talkMethods } from './talk.ts';
import type { TokenFacts } from './token.ts';
import { defaultTraps, type WildberriesTraps } from './traps.ts';

export interface WildberriesSimulatorOptions {
  /** Wall clock of the platform. Default the real one. */
  readonly now?: () => Date;
  /** Monotonic milliseconds: buckets and journal. Default `performance.now`. */
  readonly mono?: () => number;
}

export interface WildberriesSimulator {
  /** For `WILDBERRIES_BASE_URL`. */
  readonly baseUrl: string;
  readonly journal: Journal;
  readonly faults: Faults;
  /** Live switches. */
  readonly traps: WildberriesTraps;
  addSeller(seller?: NewSeller): AddedSeller;
  revoke(token: string): void;
  /** The limit of a group of methods for each seller, from now on; null: none, which is how it begins. */
  limit(group: string, limit: BucketLimit | null): void;
  start(port?: number): Promise<void>;
  stop(): Promise<void>;
}

/** What a client's error costs on the hosts of the marketplace. */
const CLIENT_ERROR_COST = 10;

const PING: readonly Method[] = [...new Set([...orderMethods, ...catalogueMethods, ...talkMethods].map(hostOf))].map(
  (host) => ({
    call: 'GET',
    path: `/${host}/ping`,
    category: [...orderMethods, ...catalogueMethods, ...talkMethods].find((method) => hostOf(method) === host)!
      .category,
    group: 'ping',
    answer: () => ({ TS: new Date(0).toISOString(), Status: 'OK' }),
  }),
);

function hostOf({ path }: Method): string {
  return path.split('/')[1]!;
}

export function createWildberriesSimulator(options: WildberriesSimulatorOptions = {}): WildberriesSimulator {
  const now = options.now ?? ((): Date => new Date());
  const mono = options.mono ?? ((): number => performance.now());
  const sellers = createSellers(now);
  const traps = defaultTraps();
  const journal = new Journal();
  const faults = new Faults();
  const buckets = createBuckets(mono);
  const platform = { now, traps, buckets, find: sellers.find };
  const routes = [...PING, ...orderMethods, ...catalogueMethods, ...talkMethods].map((method) =>
    routeOf(method, platform),
  );
  const server = createSimulatorServer({ routes, journal, faults, now, mono });
  return {
    get baseUrl() {
      return server.baseUrl;
    },
    journal,
    faults,
    traps,
    addSeller: (seller) => sellers.add(seller),
    revoke: (token) => sellers.revoke(token),
    limit: buckets.limit,
    start: (port) => server.start(port),
    stop: () => server.stop(),
  };
}

interface Buckets {
  /** Of a seller's group; undefined: it has no limit. */
  of(sid: string, group: string): TokenBucket | undefined;
  limit(group: string, limit: BucketLimit | null): void;
}

function createBuckets(mono: () => number): Buckets {
  const limits = new Map<string, BucketLimit>();
  const buckets = new Map<string, TokenBucket>();
  return {
    of(sid, group) {
      const limit = limits.get(group);
      if (limit === undefined) return undefined;
      const name = `${group} ${sid}`;
      const bucket = buckets.get(name) ?? new TokenBucket(limit, mono);
      buckets.set(name, bucket);
      return bucket;
    },
    limit(group, limit) {
      if (limit === null) limits.delete(group);
      else limits.set(group, limit);
      for (const [name, bucket] of buckets)
        if (name.startsWith(`${group} `)) {
          if (limit === null) buckets.delete(name);
          else bucket.change(limit);
        }
    },
  };
}

interface Platform {
  readonly now: () => Date;
  readonly traps: WildberriesTraps;
  readonly buckets: Buckets;
  readonly find: (authorization: string | undefined) => { seller: Seller; facts: TokenFacts } | undefined;
}

function routeOf(method: Method, platform: Platform): Route {
  const pattern = method.path.replace(/[.]/g, '\\.').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return {
    method: method.call,
    path: new RegExp(pattern),
    label: ({ headers }) => {
      const seller = platform.find(headers.authorization)?.seller.sid;
      return { operation: method.group, operationName: method.path, account: seller };
    },
    answer: (request) => answer(method, request, platform),
  };
}

/** The form in which the gateway before all hosts refuses. */
function problem(status: number, title: string, detail: string): SimulatorAnswer {
  const origin = 's2s-api-auth-catalog';
  const body = { title, detail, code: '07e4668e', requestId: 'r-1', origin, status, statusText: title };
  return { status, headers: { 'content-type': 'application/problem+json' }, body };
}

function refusalOf(
  method: Method,
  { headers }: SimulatorRequest,
  { traps, now, find }: Platform,
): SimulatorAnswer | undefined {
  const known = find(headers.authorization);
  if (known === undefined || known.facts.expiresAt <= now())
    return problem(401, 'unauthorized', 'token problem; token is malformed or expired');
  const { kind, categories } = known.facts;
  if (traps.blocked) return { status: 461, body: '' };
  if (traps.unpaid && kind === 'service') return problem(402, 'payment required', 'service balance is not paid');
  if (method.noBase === true && kind === 'base') return problem(403, 'forbidden', 'base token is not allowed');
  if (method.serviceOnly === true && kind !== 'service')
    return problem(403, 'forbidden', 'only service tokens are allowed');
  if (method.category !== null && !categories.includes(method.category))
    return problem(403, 'access denied', 'token scope not allowed for this API route');
  if (traps.gone.has(method.path)) return problem(404, 'path not found', 'path not found');
  return undefined;
}

function answer(method: Method, request: SimulatorRequest, platform: Platform): SimulatorAnswer {
  const refusal = refusalOf(method, request, platform);
  const known = platform.find(request.headers.authorization);
  const bucket = known === undefined ? undefined : platform.buckets.of(known.seller.sid, method.group);
  const verdict = bucket?.take();
  if (verdict?.granted === false) {
    return {
      ...problem(429, 'too many requests', 'limited by global limiter, for a seller'),
      headers: rateHeaders(verdict),
    };
  }
  const whole = refusal ?? answerOf(method, request, platform, known!.seller);
  const isDear = method.group === 'marketplace' && whole.status >= 400;
  const after = isDear ? bucket?.charge(CLIENT_ERROR_COST - 1) : verdict;
  return after === undefined ? whole : { ...whole, headers: { ...whole.headers, ...rateHeaders(after) } };
}

function answerOf(
  method: Method,
  request: SimulatorRequest,
  { traps, now }: Platform,
  seller: Seller,
): SimulatorAnswer {
  const body = (request.body === '' ? {} : JSON.parse(request.body)) as Row;
  const told = method.answer({ request, seller, traps, now: now(), body });
  return told instanceof Answer ? told.whole : { status: 200, body: told };
}
