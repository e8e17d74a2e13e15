// A payload against the schema of its kind: the one check for everything that enters the queue or leaves it.

import { AppError } from '../src/core/errors.ts';
import { issueText } from '../src/core/schema-issues.ts';
import { isJobKind, KINDS, type JobKind, type JobPayload } from './catalog.ts';

export interface ParsedPayload {
  readonly kind: JobKind;
  readonly payload: JobPayload<JobKind>;
}

/** Throws `queue.unknown_kind`, `queue.payload_invalid`. */
export function parsePayload(kind: string, payload: unknown): ParsedPayload {
  if (!isJobKind(kind))
    throw new AppError('queue.unknown_kind', `expected a known job kind, got ${JSON.stringify(kind)}`);
  const parsed = KINDS[kind].payload.safeParse(payload);
  if (parsed.success) return { kind, payload: parsed.data };
  const issues = parsed.error.issues.map((issue) => issueText(issue, 'payload'));
  throw new AppError('queue.payload_invalid', `payload of ${kind}: ${issues.join('; ')}`, { details: { issues } });
}
