// What a call of the Graph API is: a node, an edge, a token, and the handlers that answer. A new edge is a line in edges.ts.

import { parseExactJson } from '../../../src/connectors/toolkit/exact-json.ts';
import type { SimulatorRequest } from '../server.ts';
import type { Conversations } from './conversations.ts';
import { invalidParameter } from './failure.ts';
import type { MediaFile } from './media.ts';
import type { PageRequest } from './paging.ts';
import type { PeopleParts } from './people.ts';
import type { Refusals } from './refusals.ts';
import type { Presented } from './tokens.ts';
import type { UseCase, WhatsappLimits } from './usage.ts';
import type { PhoneNumber, Scope, Waba } from './world.ts';

/** The parts of the simulator that handlers use. */
export interface GraphParts extends PeopleParts {
  readonly conversations: Conversations;
  readonly refusals: Refusals;
  readonly limits: WhatsappLimits;
  readonly mono: () => number;
  readonly baseUrl: () => string;
}

/** What an id stands for. */
export type Node =
  | { readonly kind: 'waba'; readonly waba: Waba }
  | { readonly kind: 'number'; readonly waba: Waba; readonly number: PhoneNumber }
  | { readonly kind: 'media'; readonly waba: Waba; readonly file: MediaFile };

export interface GraphCall<N extends Node = Node> {
  readonly parts: GraphParts;
  readonly node: N;
  readonly presented: Presented;
  readonly request: SimulatorRequest;
}

export interface Edge<N extends Node = Node> {
  readonly scope: Scope;
  readonly useCase: UseCase;
  /** Returns the answer's JSON; throws GraphFailure for anything but a success. */
  readonly answer: (call: GraphCall<N>) => object | Promise<object>;
}

export type NodeOf<Kind extends Node['kind']> = Extract<Node, { readonly kind: Kind }>;

/** The request's JSON; ids that are written as numbers are text. Throws 100 for anything but an object. */
export function bodyOf({ body }: SimulatorRequest): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = parseExactJson(body === '' ? '{}' : body);
  } catch {
    throw invalidParameter('Invalid JSON in request body');
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed))
    throw invalidParameter('Invalid JSON in request body');
  return parsed as Readonly<Record<string, unknown>>;
}

/** What a list needs to know of the call. */
export function pageRequest({ parts, presented, request }: GraphCall, maxLimit: number): PageRequest {
  return {
    query: request.query,
    address: `${parts.baseUrl()}${request.path}`,
    token: presented.token.value,
    isTokenInQuery: presented.isInQuery,
    maxLimit,
  };
}
