// Ozon's way of saying no: HTTP status beside a gRPC code, a message and details.

import type { SimulatorAnswer } from '../server.ts';

/** Thrown by a method; ends in the answer. */
export class OzonFailure extends Error {
  override readonly name = 'OzonFailure';
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** gRPC codes that Ozon uses. */
export const CODE = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  internal: 13,
  unauthenticated: 16,
} as const;

export function invalidArgument(message: string): OzonFailure {
  return new OzonFailure(400, CODE.invalidArgument, message);
}

export function failureAnswer({ status, code, message }: OzonFailure): SimulatorAnswer {
  return { status, body: { code, message, details: [] } };
}
