// The simulated Ozon: its methods over real HTTP on a loopback port, all of them POST, with the platform's bucket and quirks. It
// answers from memory, never calls out, and belongs to tests and the demo only.

import { Faults } from '../faults.ts';
import { Journal } from '../journal.ts';
import { createSimulatorServer, type Route, type SimulatorAnswer, type SimulatorRequest } from '../server.ts';
import { TokenBucket, type BucketLimit } from '../token-bucket.ts';
import { accountMethods } from './accounts.ts';
import { catalogueMethods } from './catalogue.ts';
import { Refusal, type Method } from './method.ts';
import { postingMethods } from './postings.ts';
import { createSellers, type AddedSeller, type NewSeller, type Row, type Seller } from './state.ts';
import { talkMethods } from './talk.ts';
import { defaultTraps, type OzonTraps } from './traps.ts';

export interface OzonSimulatorOptions {
  /** Wall clock of the platform. Default the real one. */
  readonly now?: () => Date;
  /** Monotonic milliseconds: buckets and journal. Default `performance.now`. */
  readonly mono?: () => number;
}

export interface OzonSimulator {
  /** For `OZON_BASE_URL`. */
  readonly baseUrl: string;
  readonly journal: Journal;
  readonly faults: Faults;
  /** Live switches. */
  readonly traps: OzonTraps;
  addSeller(seller?: NewSeller): AddedSeller;
  revoke(key: string): void;
  /** The limit of each client, from now on; null: none, which is how it begins. */
  limit(limit: BucketLimit | null): void;
  start(port?: number): Promise<void>;
  stop(): Promise<void>;
}

interface Platform {
  readonly now: () => Date;
  readonly traps: OzonTraps;
  readonly find: (clientId: string, key: string) => Seller | undefined;
  readonly bucketOf: (clientId: string) => TokenBucket | undefined;
}

const METHODS = [...postingMethods, ...catalogueMethods, ...accountMethods, ...talkMethods];

export function createOzonSimulator(options: OzonSimulatorOptions = {}): OzonSimulator {
  const now = options.now ?? ((): Date => new Date());
  const mono = options.mono ?? ((): number => performance.now());
  const sellers = createSellers(now);
  const traps = defaultTraps();
  const journal = new Journal();
  const faults = new Faults();
  const buckets = new Map<string, TokenBucket>();
  let limit: BucketLimit | null = null;
  const bucketOf = (clientId: string): TokenBucket | undefined => {
    if (limit === null) return undefined;
    const bucket = buckets.get(clientId) ?? new TokenBucket(limit, mono);
    buckets.set(clientId, bucket);
    return bucket;
  };
  const platform: Platform = { now, traps, find: sellers.find, bucketOf };
  const server = createSimulatorServer({
    routes: METHODS.map((method) => routeOf(method, platform)),
    journal,
    faults,
    now,
    mono,
  });
  return {
    get baseUrl() {
      return server.baseUrl;
    },
    journal,
    faults,
    traps,
    addSeller: (seller) => sellers.add(seller),
    revoke: (key) => sellers.revoke(key),
    limit(next) {
      limit = next;
      for (const bucket of next === null ? [] : buckets.values()) bucket.change(next!);
    },
    start: (port) => server.start(port),
    stop: () => server.stop(),
  };
}

const header = ({ headers }: SimulatorRequest, name: string): string => {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
};

function routeOf(method: Method, platform: Platform): Route {
  return {
    method: 'POST',
    path: method.path,
    label: (request) => ({ operation: method.path, operationName: method.path, account: header(request, 'client-id') }),
    answer: (request) => answer(method, request, platform),
  };
}

function refusalOf({ path, plans }: Method, seller: Seller, { traps, now }: Platform): Refusal | undefined {
  if (seller.keyExpiresAt <= now())
    return new Refusal(403, 7, 'Api-key is deactivated, use another one or generate a new one');
  if (traps.addressRefused) return new Refusal(403, 7, 'Api-key usage is restricted to specific IP addresses');
  if (traps.companyBlocked) return new Refusal(403, 7, 'Company is blocked');
  const gone = traps.gone.get(path);
  if (gone === 'code 9') return new Refusal(400, 9, 'obsolete method cannot be used');
  if (gone === '404') return new Refusal(404, 5, '404 page not found');
  if (traps.circleOpen.has(path)) return new Refusal(400, 8, 'Circle is open');
  if (seller.closed.has(path)) return new Refusal(403, 7, 'Api-key is missing a required role for the method');
  if (plans !== undefined && !plans.includes(seller.subscription))
    return new Refusal(403, 7, 'this method is not available with existing subscription');
  return undefined;
}

function answer(method: Method, request: SimulatorRequest, platform: Platform): SimulatorAnswer {
  const clientId = header(request, 'client-id');
  const seller = platform.find(clientId, header(request, 'api-key'));
  if (platform.bucketOf(clientId)?.take().granted === false)
    return new Refusal(429, 8, 'You have reached request rate limit per second').whole;
  if (seller === undefined) return new Refusal(403, 7, 'Invalid Api-Key, please contact support').whole;
  const refusal = refusalOf(method, seller, platform);
  if (refusal !== undefined) return refusal.whole;
  const body = (request.body === '' ? {} : JSON.parse(request.body)) as Row;
  const told = method.answer({ seller, traps: platform.traps, now: platform.now(), body, text: request.body });
  return told instanceof Refusal ? told.whole : { status: 200, body: told };
}
