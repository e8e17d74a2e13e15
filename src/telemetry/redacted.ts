// What goes out to people who watch: payloads, results, errors and log lines, without the secrets that have a known form or
// a telling name. Payloads hold ids only, but other services write them too.

import type { ErrorReport } from '../core/errors.ts';
import { maskText } from './mask-text.ts';
import { sanitize } from './sanitize.ts';

const MAX_TEXT = 4_000;

/** Any JSON value, bounded in depth, width and length. */
export function redacted(value: unknown): unknown {
  return sanitize({ value }, { stacks: 'hidden' }).value;
}

export function redactedText(text: string): string {
  return maskText(text, MAX_TEXT);
}

export function redactedReport({ details, message, ...report }: ErrorReport): ErrorReport {
  const shown = { ...report, message: redactedText(message) };
  return details === undefined ? shown : { ...shown, details: sanitize(details, { stacks: 'hidden' }) };
}
