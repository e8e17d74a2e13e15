// Telegram's way of saying no: HTTP status equal to `error_code`, a description, and at times parameters that say what to do.

import type { Fault } from '../faults.ts';
import type { SimulatorAnswer } from '../server.ts';

export interface FailureParameters {
  readonly migrate_to_chat_id?: number;
  /** Whole seconds; goes out as the header `Retry-After` too. */
  readonly retry_after?: number;
}

/** Thrown by a method; ends in the answer. */
export class TelegramFailure extends Error {
  override readonly name = 'TelegramFailure';
  readonly code: number;
  readonly parameters: FailureParameters;

  constructor(code: number, description: string, parameters: FailureParameters = {}) {
    super(description);
    this.code = code;
    this.parameters = parameters;
  }
}

export function badRequest(what: string, parameters: FailureParameters = {}): TelegramFailure {
  return new TelegramFailure(400, `Bad Request: ${what}`, parameters);
}

export function forbidden(what: string): TelegramFailure {
  return new TelegramFailure(403, `Forbidden: ${what}`);
}

export function tooManyRequests(seconds: number): TelegramFailure {
  return new TelegramFailure(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
}

export function failureAnswer({
  code,
  message,
  parameters,
}: TelegramFailure): SimulatorAnswer & { readonly body: object } {
  const { retry_after: seconds } = parameters;
  return {
    status: code,
    headers: seconds === undefined ? {} : { 'retry-after': String(seconds) },
    body: {
      ok: false,
      error_code: code,
      description: message,
      ...(Object.keys(parameters).length > 0 && { parameters }),
    },
  };
}

/** A scripted refusal for `simulator.faults`: `{ fault: refusal(tooManyRequests(7)) }`. */
export function refusal(failure: TelegramFailure): Fault {
  const { status, headers = {}, body } = failureAnswer(failure);
  return { kind: 'status', status, headers, body };
}

/** The edge in front of the API has nobody behind it: HTML, not JSON. */
export const HTML_502: Fault = {
  kind: 'status',
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>',
};
