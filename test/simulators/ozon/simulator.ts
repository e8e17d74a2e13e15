// The simulated Ozon: its seller API over real HTTP on a loopback port, with the platform's quirks as switches. It answers from
// memory, never calls out, and belongs to tests and the demo only.

import { parseExactJson } from '../../../src/connectors/toolkit/exact-json.ts';
import { Faults } from '../faults.ts';
import { Journal } from '../journal.ts';
import { createSimulatorServer, type Route, type SimulatorAnswer, type SimulatorRequest } from '../server.ts';
import { CODE, failureAnswer, invalidArgument, OzonFailure } from './failure.ts';
import { createRateLimiter, defaultLimits, type OzonLimits, type RateLimiter } from './rate-limits.ts';
import type { AnyResource, Method, Resource } from './resource.ts';
import { RESOURCES } from './resources.ts';
import { createSellers, isOpenTo, type AddedSeller, type NewSeller, type Seller, type Sellers } from './sellers.ts';
import { defaultTraps, type OzonTraps } from './traps.ts';

export interface OzonSimulatorOptions {
  /** Wall clock of the platform. Default the real one. */
  readonly now?: () => Date;
  /** Monotonic milliseconds: rate limits and journal. Default `performance.now`. */
  readonly mono?: () => number;
  readonly traps?: Partial<OzonTraps>;
  readonly limits?: Partial<OzonLimits>;
}

export interface OzonSimulator {
  /** For `OZON_BASE_URL`: paths follow it as they are. */
  readonly baseUrl: string;
  readonly journal: Journal;
  readonly faults: Faults;
  /** Live switches. */
  readonly traps: OzonTraps;
  /** May be changed while running. */
  readonly limits: OzonLimits;
  readonly sellers: ReadonlyMap<string, Seller>;
  addSeller(seller?: NewSeller): AddedSeller;
  /** What a part of the simulator holds of a seller. */
  state<State>(resource: Resource<State>, clientId: string): State;
  start(port?: number): Promise<void>;
  stop(): Promise<void>;
}

/** A stopped simulator without sellers. */
export function createOzonSimulator(options: OzonSimulatorOptions = {}): OzonSimulator {
  const now = options.now ?? ((): Date => new Date());
  const mono = options.mono ?? ((): number => performance.now());
  const traps: OzonTraps = { ...defaultTraps(), ...options.traps };
  const limits: OzonLimits = { ...defaultLimits(), ...options.limits };
  const sellers = createSellers(now);
  const stateOf = createStates(sellers, now);
  const parts: Parts = { sellers, traps, limiter: createRateLimiter(limits, mono), now, stateOf };
  const routes = RESOURCES.flatMap((resource) =>
    Object.entries(resource.methods).map(([path, method]) => routeOf(parts, { resource, path, method })),
  );
  const journal = new Journal();
  const faults = new Faults();
  const server = createSimulatorServer({ routes: [...routes, ABSENT], journal, faults, now, mono });
  return {
    get baseUrl() {
      return server.baseUrl;
    },
    journal,
    faults,
    traps,
    limits,
    sellers: sellers.all,
    addSeller: (seller) => sellers.add(seller),
    state: <State>(resource: Resource<State>, clientId: string) => stateOf(resource as AnyResource, clientId) as State,
    start: (port) => server.start(port),
    stop: () => server.stop(),
  };
}

type StateOf = (resource: AnyResource, clientId: string) => unknown;

function createStates({ all }: Sellers, now: () => Date): StateOf {
  const states = new Map<string, unknown>();
  return (resource, clientId) => {
    const key = `${clientId} ${resource.name}`;
    const seller = all.get(clientId);
    if (seller === undefined) throw new Error(`expected a seller, got ${clientId}`);
    if (!states.has(key)) states.set(key, resource.create(seller, now));
    return states.get(key);
  };
}

interface Parts {
  readonly sellers: Sellers;
  readonly traps: OzonTraps;
  readonly limiter: RateLimiter;
  readonly now: () => Date;
  readonly stateOf: StateOf;
}

interface Served {
  readonly resource: AnyResource;
  readonly path: string;
  readonly method: Method<unknown>;
}

const ABSENT: Route = {
  method: 'POST',
  path: /\/.*/,
  answer: () => failureAnswer(new OzonFailure(404, CODE.notFound, 'Not Found')),
};

function routeOf(parts: Parts, served: Served): Route {
  const { path } = served;
  return {
    method: 'POST',
    path,
    label: ({ headers }) => ({ operation: path, account: headerOf(headers['client-id']) }),
    answer(request) {
      try {
        return answerOf(parts, served, request);
      } catch (error) {
        if (!(error instanceof OzonFailure)) throw error;
        // As some gateways do: the failure is the body of a success.
        return parts.traps.failureInside.has(path) ? { ...failureAnswer(error), status: 200 } : failureAnswer(error);
      }
    },
  };
}

function answerOf(parts: Parts, { resource, path, method }: Served, request: SimulatorRequest): SimulatorAnswer {
  const { traps, limiter, now, stateOf } = parts;
  const seller = sellerOf(parts, request);
  limiter.take(seller.clientId, path);
  refuseMethod(seller, path, traps);
  const body = bodyOf(request.body);
  const answer = method(stateOf(resource, seller.clientId), { seller, body, traps, now: now() });
  return { status: 200, body: answer };
}

function sellerOf({ sellers, traps, now }: Parts, { headers }: SimulatorRequest): Seller {
  const clientId = headerOf(headers['client-id']);
  const apiKey = headerOf(headers['api-key']);
  if (clientId === undefined || apiKey === undefined)
    throw new OzonFailure(401, CODE.unauthenticated, 'Client-Id and Api-Key headers are required');
  const seller = sellers.all.get(clientId);
  if (seller === undefined || seller.apiKey !== apiKey)
    throw new OzonFailure(403, CODE.permissionDenied, 'Invalid Api-Key, please contact support');
  if (!seller.isActive || seller.keyExpiresAt <= now())
    throw new OzonFailure(403, CODE.permissionDenied, 'Api-key is deactivated, use another one or generate a new one');
  if (traps.addressRefused)
    throw new OzonFailure(403, CODE.permissionDenied, 'Access to this key is restricted to specific IP addresses');
  if (traps.companyBlocked)
    throw new OzonFailure(403, CODE.permissionDenied, 'Company is blocked, please contact support');
  return seller;
}

function refuseMethod(seller: Seller, path: string, traps: OzonTraps): void {
  const off = traps.switchedOff.get(path);
  if (off === 'absent') throw new OzonFailure(404, CODE.notFound, 'Not Found');
  if (off === 'obsolete') throw new OzonFailure(400, CODE.failedPrecondition, 'obsolete method cannot be used');
  if (traps.circuitOpen.has(path)) throw new OzonFailure(400, CODE.failedPrecondition, 'Circle is open');
  if (traps.outsideRoles.has(path) || (path !== '/v1/roles' && !isOpenTo(seller, path)))
    throw new OzonFailure(403, CODE.permissionDenied, 'Api-Key is missing a required role for this method');
  if (traps.outsideSubscription.has(path))
    throw new OzonFailure(403, CODE.permissionDenied, 'Method is not available with existing subscription');
}

function bodyOf(text: string): Readonly<Record<string, unknown>> {
  let body: unknown;
  try {
    body = parseExactJson(text === '' ? '{}' : text);
  } catch {
    throw invalidArgument('proto: syntax error');
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw invalidArgument('proto: syntax error');
  return body as Readonly<Record<string, unknown>>;
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
