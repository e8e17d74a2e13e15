// What Upwork's answers mean. GraphQL errors arrive inside HTTP 200; some of them leave usable data beside them.
// Table: `reference` of the platform, GraphQL error classifications, read 2026-10-06.

import { z } from 'zod';
import { MINUTE_MS } from '../../core/duration.ts';
import { AppError, type ErrorReport } from '../../core/errors.ts';
import type { HttpResponse } from '../../http/http-client.ts';

export const graphqlErrorSchema = z.object({
  message: z.string(),
  path: z.array(z.union([z.string(), z.number()])).nullish(),
  extensions: z.looseObject({ classification: z.string().nullish(), code: z.string().nullish() }).nullish(),
});

export type GraphqlError = z.output<typeof graphqlErrorSchema>;

/** `… lacks oauth2 permissions/scopes for [Type.field, Type.field]`. */
const SCOPE_MESSAGE = /oauth2 permissions?\/scopes?.*?\[([^\]]*)\]/is;
const TRANSIENT_MESSAGE = /transform timeout|exception occurred|timed? ?out|temporarily/i;

/** `Type.field` names that an error says the API key has no scope for; empty when it is another error. */
export function fieldsWithoutScope(error: GraphqlError): string[] {
  const list = SCOPE_MESSAGE.exec(error.message)?.[1] ?? '';
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => /^\w+\.\w+$/.test(name));
}

const MESSAGE_LIMIT = 300;

/** An error of an answer that carried no data. */
export function graphqlFailure(errors: readonly GraphqlError[]): AppError {
  const [first] = errors;
  const message = first?.message.slice(0, MESSAGE_LIMIT) ?? 'no message';
  const missing = errors.flatMap(fieldsWithoutScope);
  const classification = first?.extensions?.classification ?? null;
  const code = first?.extensions?.code ?? null;
  const details = { classification, code };
  if (missing.length > 0 || (first !== undefined && SCOPE_MESSAGE.test(first.message))) {
    return new AppError(
      'platform.scope_missing',
      `the Upwork API key lacks the scope for ${missing.join(', ') || 'this query'}`,
      {
        details: { fields: missing },
      },
    );
  }
  if (classification === 'ValidationError') {
    return new AppError('platform.method_gone', `Upwork no longer knows a field or argument we ask for: ${message}`, {
      details,
    });
  }
  if (code === 'VJCA-6' || message.includes('VJCA-6')) {
    return new AppError('platform.request_invalid', `Upwork refused a parameter (VJCA-6): ${message}`, { details });
  }
  if (TRANSIENT_MESSAGE.test(message)) {
    return new AppError('platform.unavailable', `Upwork could not answer in time: ${message}`, { details });
  }
  return new AppError('platform.answer_invalid', `Upwork answered with an error: ${message}`, { details });
}

/** An error that came beside usable data, as the run keeps it. */
export function graphqlProblem(error: GraphqlError): ErrorReport {
  return {
    code: 'platform.answer_invalid',
    kind: 'transient',
    message: `partial answer: ${error.message.slice(0, MESSAGE_LIMIT)}`,
    ...(error.path ? { details: { path: error.path.join('.') } } : {}),
  };
}

const HTML = /^\s*<(?:!doctype|html)/i;
const EDGE_BLOCK_MS = 5 * MINUTE_MS;

/** A page of HTML with 403 is the edge blocking our address, not the tenant's fault: the platform's bucket pauses. */
export function edgeBlockMs({ status, text }: Pick<HttpResponse, 'status' | 'text'>): number | undefined {
  return status === 403 && HTML.test(text) ? EDGE_BLOCK_MS : undefined;
}

/**
 * The error of an HTTP status that is no success. 429, 5XX and the edge's block page never come here: the http client
 * throws them.
 */
export function httpFailure(status: number, body: string): AppError {
  const html = HTML.test(body);
  if (status === 401) return new AppError('platform.unauthorized', 'Upwork refused the access token');
  if (status === 403) return new AppError('platform.forbidden', 'Upwork says that this token may not do this');
  if (html)
    return new AppError('platform.answer_invalid', `expected JSON from Upwork, got an HTML page with HTTP ${status}`);
  return new AppError('platform.request_invalid', `expected HTTP 200 from Upwork, got ${status}`, {
    details: { status },
  });
}
