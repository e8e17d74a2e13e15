// From an HTTP request to a node, an edge and an answer: version, token, budgets and rights in Meta's order. What goes wrong on
// the way is an error object under whatever status the traps say.

import type { Route, SimulatorAnswer, SimulatorRequest } from '../server.ts';
import { createEdges } from './edges.ts';
import { failureAnswer, GraphFailure, unknownObject } from './failure.ts';
import type { Edge, GraphParts, Node } from './graph.ts';
import { DOWNLOAD_PATH } from './media.ts';
import { authenticate, debugToken, presentedIn, requireScope } from './tokens.ts';
import type { Caller, Usage } from './usage.ts';
import { holds } from './world.ts';

export interface RouteParts extends GraphParts {
  readonly usage: Usage;
}

const OLDEST_VERSION = 19;
const NODE_PATH = /^(?:\/(?<version>v\d+\.\d+))?\/(?<id>\d+)(?:\/(?<edge>\w+))?$/;
const DEBUG_PATH = /^(?:\/(?<version>v\d+\.\d+))?\/debug_token$/;
const METHODS = ['GET', 'POST', 'DELETE'];

export function createRoutes(parts: RouteParts): readonly Route[] {
  const edges = createEdges();
  const label = (request: SimulatorRequest): ReturnType<NonNullable<Route['label']>> => {
    const node = nodeOf(parts, request.params['id']);
    const edge =
      request.params['edge'] ?? (request.params['id'] === undefined ? 'debug_token' : (node?.kind ?? 'node'));
    const account = presentedIn(parts.world, request).token?.name;
    return { operation: edge, tenant: node?.waba.id, account };
  };
  const nodeRoutes = METHODS.map((method) => ({
    method,
    path: NODE_PATH,
    label,
    answer: (request: SimulatorRequest) =>
      answered(parts, request, (seen) => answerNode(parts, { edges, request, seen })),
  }));
  return [
    ...nodeRoutes,
    {
      method: 'GET',
      path: DEBUG_PATH,
      label,
      answer: (request) => answered(parts, request, (seen) => answerDebug(parts, request, seen)),
    },
    { method: 'GET', path: DOWNLOAD_PATH, label: () => ({ operation: 'download' }), answer: (r) => download(parts, r) },
  ];
}

/** What is known of the call so far, for the headers of a failure too. */
interface Seen {
  caller?: Caller;
}

async function answered(
  parts: RouteParts,
  request: SimulatorRequest,
  work: (seen: Seen) => object | Promise<object>,
): Promise<SimulatorAnswer> {
  const seen: Seen = {};
  const trace = parts.ids.trace();
  try {
    const version = versionOf(parts, request.params['version']);
    const body = await work(seen);
    return { status: 200, headers: headersOf(parts, { seen, version, trace }), body };
  } catch (error) {
    if (!(error instanceof GraphFailure)) throw error;
    const { status, body } = failureAnswer(error, parts.traps, trace);
    const version = parts.traps.versionUsed ?? request.params['version'] ?? `v${OLDEST_VERSION}.0`;
    return { status, headers: headersOf(parts, { seen, version, trace }), body };
  }
}

function headersOf(
  { usage }: RouteParts,
  { seen, version, trace }: { readonly seen: Seen; readonly version: string; readonly trace: string },
): Record<string, string> {
  return {
    'facebook-api-version': version,
    'x-fb-trace-id': trace,
    ...(seen.caller === undefined ? {} : usage.headers(seen.caller)),
  };
}

/** The version that answers: an expired one is silently another. */
function versionOf({ traps }: RouteParts, asked: string | undefined): string {
  const isOld = asked !== undefined && Number(asked.slice(1)) < OLDEST_VERSION;
  if (isOld && traps.oldVersionsFail) throw new GraphFailure(2_635);
  return traps.versionUsed ?? (asked === undefined || isOld ? `v${OLDEST_VERSION}.0` : asked);
}

function answerDebug({ world, usage, now }: RouteParts, request: SimulatorRequest, seen: Seen): object {
  const { token } = authenticate(world, request, now());
  seen.caller = { app: token.app, useCase: 'whatsapp_business_management' };
  usage.take(seen.caller);
  return debugToken(world, request.query.get('input_token'), now());
}

interface Asking {
  readonly edges: ReadonlyMap<string, Edge>;
  readonly request: SimulatorRequest;
  readonly seen: Seen;
}

function answerNode(parts: RouteParts, { edges, request, seen }: Asking): object | Promise<object> {
  const { world, usage, refusals, now } = parts;
  const { id = '', edge: name = '' } = request.params;
  const presented = authenticate(world, request, now());
  const { token } = presented;
  const node = nodeOf(parts, id);
  const edge = edges.get(`${request.method} ${node?.kind} ${name}`);
  seen.caller = { app: token.app, waba: node?.waba, useCase: edge?.useCase ?? 'whatsapp_business_management' };
  usage.take(seen.caller);
  if (node === undefined || edge === undefined || !holds(token, node.waba)) throw unknownObject(id, request.method);
  requireScope(token, edge.scope);
  const nodes = node.kind === 'number' ? [node.number.id, node.waba.id] : [node.waba.id];
  // Messages are refused by their recipients too, which are not known yet.
  if (name !== 'messages') refusals.check({ edge: name, nodes });
  return edge.answer({ parts, node, presented, request });
}

function nodeOf({ world, media }: RouteParts, id: string | undefined): Node | undefined {
  if (id === undefined) return undefined;
  const waba = world.wabas.get(id);
  if (waba !== undefined) return { kind: 'waba', waba };
  const number = world.numbers.get(id);
  if (number !== undefined) return { kind: 'number', waba: number.waba, number };
  const file = media.all.get(id);
  return file === undefined ? undefined : { kind: 'media', waba: file.waba, file };
}

/** An address of a file is no node, but wants the token too. */
function download({ world, media, now }: RouteParts, request: SimulatorRequest): SimulatorAnswer {
  try {
    authenticate(world, request, now());
  } catch {
    return { status: 401, body: 'Unauthorized' };
  }
  return media.download(request);
}
