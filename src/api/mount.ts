// Operations become routes: the token is asked first, then everything that came is read through the contract, then the
// handler runs, and its answer goes through the contract too. A handler never sees what the contract did not read.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { issueTextIn } from '../core/schema-issues.ts';
import { storableText } from '../core/storable.ts';
import type { Tx } from '../db/database.ts';
import { auditOf } from './audit.ts';
import { askForToken, assertMay, identify, type Authentication } from './authenticate.ts';
import type { ApiDeps, Call, Handlers, StreamEvent } from './call.ts';
import type { Operation } from './contract/operation.ts';
import { OPERATIONS } from './contract/operations.ts';
import type { EventStreams } from './event-stream.ts';
import { answerOnce, idempotencyKeyOf, type RequestScope } from './idempotency.ts';
import type { RateLimits } from './rate-limits.ts';

const MAX_PROBLEMS = 10;
const JSON_TYPE = 'application/json; charset=utf-8';

/** Throws `input.invalid` with the place of every problem. */
function read<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const problems = error.issues.slice(0, MAX_PROBLEMS).map((issue) => issueTextIn(issue, what));
  throw new AppError('input.invalid', problems.join('; '));
}

/** Text of an address; a body's is looked at before it is parsed. */
function assertStorable(values: object): void {
  const text = Object.values(values).join('');
  if (text !== storableText(text))
    throw new AppError('input.invalid', 'expected an address without NUL characters and halves of surrogate pairs');
}

export interface MountOptions {
  readonly deps: ApiDeps;
  readonly auth: Authentication;
  readonly handlers: Handlers;
  readonly limits: RateLimits;
  readonly streams: EventStreams;
}

interface Mounted extends MountOptions {
  readonly name: string;
  readonly operation: Operation;
  readonly handle: (call: Call<Operation>) => Promise<unknown>;
}

/** Whose rows a request may see, and who asks for what: a tenant's token opens that user's rows only. */
function scopeOf(action: string, { token }: FastifyRequest): RequestScope {
  const { id, name, userId } = token!;
  const actor = { tokenId: id, name, action };
  return userId === null ? { kind: 'ops', actor } : { kind: 'user', userId, actor };
}

function callOf({ name, operation, deps }: Mounted, request: FastifyRequest, gone: AbortController): Call<Operation> {
  const params = request.params as object;
  const query = request.query as object;
  assertStorable(params);
  assertStorable(query);
  const lastEventId = request.headers['last-event-id'];
  return {
    params: read('path', operation.params, params),
    query: read('query', operation.query, query),
    body: read('body', operation.body, request.body),
    token: request.token!,
    tenant: request.token!.userId,
    lastEventId: typeof lastEventId === 'string' ? lastEventId : null,
    signal: gone.signal,
    tx: null,
    inTx: (work) => deps.db.tx(scopeOf(name, request), work),
    inReadTx: (work) => (deps.reads ?? deps.db).tx(scopeOf(name, request), work),
  };
}

/** A browser saves it instead of showing it. */
async function sendCsv(reply: FastifyReply, name: string, text: string): Promise<FastifyReply> {
  reply.header('content-disposition', `attachment; filename="${name}.csv"`);
  return await reply.type('text/csv; charset=utf-8').send(text);
}

/** The answer as the contract knows it. */
async function answerOf(mounted: Mounted, request: FastifyRequest, reply: FastifyReply, call: Call<Operation>) {
  const { name, operation, handle, deps } = mounted;
  const key = operation.idempotent ? idempotencyKeyOf(request) : null;
  if (key === null) return operation.answer.parse(await handle(call));
  const keyed = { key, scope: scopeOf(name, request), request, reply, status: operation.status, now: deps.clock.now() };
  return await answerOnce(deps.db, keyed, async (tx: Tx) =>
    operation.answer.parse(await handle({ ...call, tx, inTx: (work) => work(tx) })),
  );
}

function handlerOf(mounted: Mounted) {
  const { name, operation, deps, streams, handle } = mounted;
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const audit = auditOf(deps, mounted, request);
    try {
      const call = callOf(mounted, request, gone);
      if (operation.form === 'events') {
        const events = (await handle(call)) as AsyncIterable<StreamEvent<unknown>>;
        return await streams.send(reply, events, gone);
      }
      const answer = await answerOf(mounted, request, reply, call);
      await audit('done');
      reply.code(operation.status);
      if (operation.form === 'csv') return await sendCsv(reply, name, answer as string);
      return operation.status === 204 ? await reply.send() : await reply.type(JSON_TYPE).send(JSON.stringify(answer));
    } catch (error) {
      await audit('failed');
      throw error;
    }
  };
}

function mountOne(app: FastifyInstance, mounted: Mounted): void {
  const { operation, auth, limits, deps } = mounted;
  app.route({
    method: operation.method,
    url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    bodyLimit: operation.bodyLimit,
    async onRequest(request, reply) {
      const token = await identify(request, auth);
      if (token === null) return await askForToken(reply);
      await limits.count(request);
      try {
        assertMay(token, operation);
      } catch (error) {
        await auditOf(deps, mounted, request)('refused');
        throw error;
      }
    },
    handler: handlerOf(mounted),
  });
}

/** Mounts every operation of the contract. */
export function mountOperations(app: FastifyInstance, options: MountOptions): void {
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    const handle = options.handlers[name as keyof Handlers] as unknown as Mounted['handle'];
    mountOne(app, { ...options, name, operation, handle });
  }
}
