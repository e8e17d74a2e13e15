// Declares operations with their types inferred and the usual parts filled in.

import { z } from 'zod';
import type { Operation } from './operation.ts';

const nothing = z.strictObject({});
/** No body, or an empty one. */
const noBody = z.union([z.undefined(), z.null(), nothing]);

const MIB = 1024 * 1024;

type Nothing = typeof nothing;
type NoBody = typeof noBody;

type Given<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
> = Pick<Operation<Params, Query, Body, Answer>, 'method' | 'path' | 'scope' | 'summary' | 'tag' | 'answer'> &
  Partial<
    Pick<
      Operation<Params, Query, Body, Answer>,
      'params' | 'query' | 'body' | 'status' | 'idempotent' | 'bodyLimit' | 'reach'
    >
  >;

function filled<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
>(given: Given<Params, Query, Body, Answer>) {
  return {
    params: nothing as unknown as Params,
    query: nothing as unknown as Query,
    body: noBody as unknown as Body,
    status: 200 as const,
    reach: 'tenant' as const,
    bodyLimit: MIB,
    idempotent: given.method === 'POST',
    ...given,
  };
}

/** Defaults: no parameters, no query, no body, status 200, rows of tenants; POST honours `Idempotency-Key`. */
export function operation<
  Answer extends z.ZodType,
  Params extends z.ZodObject = Nothing,
  Query extends z.ZodObject = Nothing,
  Body extends z.ZodType = NoBody,
>(given: Given<Params, Query, Body, Answer>): Operation<Params, Query, Body, Answer, 'json'> {
  return { ...filled(given), form: 'json' };
}

/** The same, answered by server-sent events. */
export function eventStream<
  Answer extends z.ZodType,
  Params extends z.ZodObject = Nothing,
  Query extends z.ZodObject = Nothing,
>(given: Given<Params, Query, NoBody, Answer>): Operation<Params, Query, NoBody, Answer, 'events'> {
  return { ...filled(given), form: 'events' };
}

/** The same, answered by a file of comma-separated values; a handler gives its text. */
export function csv<Params extends z.ZodObject = Nothing, Query extends z.ZodObject = Nothing>(
  given: Omit<Given<Params, Query, NoBody, z.ZodString>, 'answer'>,
): Operation<Params, Query, NoBody, z.ZodString, 'csv'> {
  return { ...filled({ ...given, answer: z.string() }), form: 'csv' };
}
