// Operations become routes: the token is asked first, then everything that came is read through the contract, then the
// handler runs, and its answer goes through the contract too. A handler never sees what the contract did not read.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { ApiToken } from '../store/api-tokens.ts';
import { requireScope, type FindToken } from './authenticate.ts';
import type { ApiDeps, Call, Handle, Handlers } from './call.ts';
import { OPERATIONS } from './contract/operations.ts';
import type { Operation } from './contract/operation.ts';

const MAX_PROBLEMS = 10;

/** Throws `input.invalid` with the place of every problem. */
function read<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const problems = error.issues
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => `${[what, ...path].join('.')}: ${message}`);
  throw new AppError('input.invalid', problems.join('; '));
}

function callOf(operation: Operation, request: FastifyRequest, token: ApiToken, { db }: ApiDeps): Call<Operation> {
  const gone = new AbortController();
  request.raw.once('close', () => gone.abort());
  return {
    params: read('path', operation.params, request.params),
    query: read('query', operation.query, request.query),
    body: read('body', operation.body, request.body),
    token,
    signal: gone.signal,
    tx: null,
    inTx: (work) => db.tx({ kind: 'ops' }, work),
  };
}

export interface MountOptions {
  readonly deps: ApiDeps;
  readonly findToken: FindToken;
  readonly handlers: Handlers;
}

/** Mounts every operation of the contract. */
export function mountOperations(app: FastifyInstance, { deps, findToken, handlers }: MountOptions): void {
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    const handle = handlers[name as keyof Handlers] as unknown as Handle<Operation>;
    app.route({
      method: operation.method,
      url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      onRequest: requireScope(operation.scope, findToken),
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const answer = await handle(callOf(operation, request, request.token!, deps));
        return await reply.code(operation.status).send(operation.answer.parse(answer));
      },
    });
  }
}
