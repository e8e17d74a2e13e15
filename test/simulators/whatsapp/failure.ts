// Graph's way of saying no: an error object whose code means something, under an HTTP status that often does not.

import type { SimulatorAnswer } from '../server.ts';
import type { WhatsappTraps } from './traps.ts';

export interface FailureParts {
  readonly subcode?: number;
  /** `error_data.details`, the part that is meant for reading. */
  readonly details?: string;
  readonly message?: string;
}

/** Thrown by a handler; ends in the answer. */
export class GraphFailure extends Error {
  override readonly name = 'GraphFailure';
  readonly code: number;
  readonly parts: FailureParts;

  constructor(code: number, parts: FailureParts = {}) {
    super(parts.message ?? kindOf(code).title);
    this.code = code;
    this.parts = parts;
  }
}

interface Kind {
  readonly title: string;
  /** In the OpenAPI document. */
  readonly status: number;
  readonly isTransient?: boolean;
}

/** Codes of messaging-apis 2.4. */
const KINDS: Readonly<Record<number, Kind>> = {
  1: { title: 'An unknown error occurred', status: 500, isTransient: true },
  2: { title: 'Service temporarily unavailable', status: 500, isTransient: true },
  3: { title: 'Application does not have the capability to make this API call', status: 403 },
  4: { title: 'Application request limit reached', status: 429, isTransient: true },
  10: { title: 'Application does not have permission for this action', status: 403 },
  17: { title: 'User request limit reached', status: 429, isTransient: true },
  33: { title: 'Unsupported request', status: 400 },
  100: { title: 'Invalid parameter', status: 400 },
  190: { title: 'Invalid OAuth access token', status: 401 },
  200: { title: 'Permissions error', status: 403 },
  368: { title: 'Temporarily blocked for policies violations', status: 403 },
  613: { title: 'Calls to this api have exceeded the rate limit', status: 429, isTransient: true },
  2_200: { title: 'Callback verification failed', status: 400 },
  2_635: { title: 'You are calling a deprecated version of the API', status: 400 },
  80_007: { title: 'There have been too many calls from this WhatsApp Business account', status: 429 },
  130_429: { title: 'Rate limit hit', status: 429 },
  131_000: { title: 'Something went wrong', status: 500 },
  131_008: { title: 'Required parameter is missing', status: 400 },
  131_009: { title: 'Parameter value is not valid', status: 400 },
  131_026: { title: 'Message undeliverable', status: 400 },
  131_031: { title: 'Business Account locked', status: 403 },
  131_047: { title: 'Re-engagement message', status: 400 },
  131_048: { title: 'Spam rate limit hit', status: 429 },
  131_051: { title: 'Unsupported message type', status: 400 },
  131_052: { title: 'Media download error', status: 400 },
  131_056: { title: '(Business Account, Consumer Account) pair rate limit hit', status: 429 },
  132_000: { title: 'Number of parameters does not match the expected number of params', status: 400 },
  132_001: { title: 'Template name does not exist in the translation', status: 404 },
  132_015: { title: 'Template is paused', status: 400 },
  132_016: { title: 'Template is disabled', status: 400 },
  133_016: { title: 'Account register deregister rate limit exceeded', status: 429 },
};

function kindOf(code: number): Kind {
  return KINDS[code] ?? { title: `Error ${code}`, status: 400 };
}

/** Title of a code: what webhooks call `title` and `message`. */
export function titleOf(code: number): string {
  return kindOf(code).title;
}

export function failureAnswer(
  { code, message, parts }: GraphFailure,
  { httpStatus }: Pick<WhatsappTraps, 'httpStatus'>,
  trace: string,
): SimulatorAnswer {
  const { status, isTransient } = kindOf(code);
  const { subcode, details } = parts;
  const error = {
    message: `(#${code}) ${message}`,
    type: 'OAuthException',
    code,
    ...(subcode === undefined ? {} : { error_subcode: subcode }),
    ...(details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details } }),
    ...(isTransient === undefined ? {} : { is_transient: isTransient }),
    fbtrace_id: trace,
  };
  return { status: statusBy(httpStatus, status), body: { error } };
}

const SWAPPED: Readonly<Record<number, number>> = { 401: 403, 403: 401, 429: 403 };

function statusBy(rule: WhatsappTraps['httpStatus'], status: number): number {
  if (rule === 'always_400') return 400;
  return rule === 'swapped' ? (SWAPPED[status] ?? status) : status;
}

/** 100: something about the request is wrong. */
export function invalidParameter(message: string, subcode?: number): GraphFailure {
  return new GraphFailure(100, { message, ...(subcode === undefined ? {} : { subcode }) });
}

/** What Graph says of an object that is not there, and of one that the token may not see: it does not tell which. */
export function unknownObject(id: string, method: string): GraphFailure {
  const verb = method.toLowerCase();
  return invalidParameter(
    `Unsupported ${verb} request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, ` +
      'or does not support this operation',
    33,
  );
}
