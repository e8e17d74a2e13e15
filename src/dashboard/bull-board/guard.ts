// Before an action of the board its right, after it its line in the audit log.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';
import { hideOpaqueWords } from '../../core/opaque-words.ts';
import { allows } from '../../core/scopes.ts';
import { insertAudit, type AuditOutcome } from '../../store/audit-logs.ts';
import { redactedText } from '../../telemetry/redacted.ts';
import type { BoardDeps } from './deps.ts';
import { verbOf, type BoardVerb } from './rights.ts';

const MAX_DETAIL_CHARS = 200;

/** The board's own route, without our prefix. */
export function routeOf({ routeOptions }: FastifyRequest, basePath: string): string {
  const { url = '' } = routeOptions;
  return url.startsWith(basePath) ? url.slice(basePath.length) : url;
}

function targetOf({ params }: FastifyRequest): string | null {
  const named = Object.values((params ?? {}) as Readonly<Record<string, string>>);
  return named.length === 0 ? null : hideOpaqueWords(named.join('/'));
}

const OUTCOMES: readonly (readonly [number, AuditOutcome])[] = [
  [500, 'failed'],
  [400, 'refused'],
  [0, 'done'],
];

/** The job that a verb made, from the board's answer. */
function madeJobOf(payload: unknown): string | undefined {
  if (typeof payload !== 'string' || !payload.startsWith('{"job":')) return undefined;
  const { job } = JSON.parse(payload) as { readonly job?: { readonly id?: unknown } };
  return typeof job?.id === 'string' ? job.id : undefined;
}

/** Numbers and short words that were asked for; never a payload. */
function detailsOf({ kept }: BoardVerb, { body }: FastifyRequest, answer: unknown): Readonly<Record<string, unknown>> {
  const given = (body ?? {}) as Readonly<Record<string, unknown>>;
  const jobId = madeJobOf(answer);
  const details = kept.flatMap((name): (readonly [string, unknown])[] => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (typeof value === 'number' || typeof value === 'boolean') return [[name, value]];
    return typeof value === 'string' ? [[name, hideOpaqueWords(redactedText(value.slice(0, MAX_DETAIL_CHARS)))]] : [];
  });
  return { ...Object.fromEntries(details), ...(jobId === undefined ? {} : { jobId }) };
}

export function addGuard(app: FastifyInstance, basePath: string, { db, clock }: BoardDeps): void {
  const verbIn = (request: FastifyRequest): BoardVerb | null => verbOf(request.method, routeOf(request, basePath));

  app.addHook('preHandler', async (request) => {
    // The board takes it for a separator of its own.
    if (request.url.includes('%00')) throw new AppError('input.invalid', 'expected an address without NUL characters');
    const verb = verbIn(request);
    if (verb === null || allows(request.token?.scopes ?? [], verb.scope)) return;
    throw new AppError('api.forbidden', `expected a token with scope ${verb.scope} for ${verb.action}`);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const verb = verbIn(request);
    // Whom nobody knows, the door turns away; a row for each of them would let anybody fill the table.
    if (verb === null || request.token === null) return payload;
    const [, outcome] = OUTCOMES.find(([from]) => reply.statusCode >= from)!;
    await insertAudit(db, {
      at: clock.now(),
      token: request.token,
      action: verb.action,
      target: targetOf(request),
      details: detailsOf(verb, request, payload),
      outcome,
    });
    return payload;
  });
}
