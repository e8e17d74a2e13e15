// Makes the fields of a log line safe: secrets hidden, errors flattened, depth, width and length bounded. It never
// throws and never calls a value's own `toJSON`, because both could carry a secret out.

import { AppError } from '../core/errors.ts';
import { hideOpaqueWords } from '../core/opaque-words.ts';
import { Secret } from '../core/secret.ts';
import { maskText } from './mask-text.ts';
import { isSensitiveKey } from './sensitive-keys.ts';

const HIDDEN = '[redacted]';
const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_VALUES = 1_000;
const MAX_TEXT = 4_000;
/** Characters of a whole line; what comes after them is left out. */
const MAX_LINE = 64_000;
const MAX_CAUSES = 5;

export interface SanitizeOptions {
  /** Stacks are for development: long, and of no use in an alert. */
  readonly stacks: 'shown' | 'hidden';
}

interface Walk extends SanitizeOptions {
  valuesLeft: number;
  textLeft: number;
}

/** `fields` as plain JSON values that may be written to a log. */
export function sanitize(
  fields: Readonly<Record<string, unknown>>,
  { stacks }: SanitizeOptions,
): Record<string, unknown> {
  try {
    return cleanMembers(Object.entries(fields), 0, { stacks, valuesLeft: MAX_VALUES, textLeft: MAX_LINE });
  } catch (error) {
    // A getter or a proxy threw. The event itself must still be written.
    return { unloggable: maskText(String(error), MAX_TEXT) };
  }
}

function clean(value: unknown, depth: number, walk: Walk): unknown {
  if (--walk.valuesLeft < 0) return '…';
  switch (typeof value) {
    case 'string':
      return cleanText(value, walk);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return value.toString();
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : cleanObject(value, depth, walk);
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined;
  }
}

function cleanText(text: string, walk: Walk): string {
  if (walk.textLeft <= 0) return '…';
  const masked = maskText(text, MAX_TEXT);
  walk.textLeft -= masked.length;
  return masked;
}

function cleanObject(value: object, depth: number, walk: Walk): unknown {
  if (value instanceof Secret) return value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return maskText(value.href, MAX_TEXT);
  if (value instanceof Error) return cleanError(value, depth, walk);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value) || value instanceof Set) return cleanItems([...value], depth, walk);
  if (value instanceof Map)
    return cleanMembers(
      [...value].map(([key, item]) => [String(key), item]),
      depth,
      walk,
    );
  return cleanMembers(Object.entries(value), depth, walk);
}

function cleanItems(items: readonly unknown[], depth: number, walk: Walk): unknown[] {
  const kept = items.slice(0, MAX_ITEMS).map((item) => clean(item, depth + 1, walk) ?? null);
  return items.length > MAX_ITEMS ? [...kept, `… ${items.length - MAX_ITEMS} more`] : kept;
}

function cleanMembers(
  members: readonly (readonly [string, unknown])[],
  depth: number,
  walk: Walk,
): Record<string, unknown> {
  const cleaned = members.slice(0, MAX_ITEMS).map(([key, value]): [string, unknown] => {
    const isHidden = isSensitiveKey(key) && value !== null && value !== undefined && typeof value !== 'boolean';
    return [key, isHidden ? HIDDEN : clean(value, depth + 1, walk)];
  });
  if (members.length > MAX_ITEMS) cleaned.push(['…', `${members.length - MAX_ITEMS} more`]);
  return Object.fromEntries(cleaned.filter(([, value]) => value !== undefined));
}

/** What led to an error, nearest first, one level of an AggregateError included. */
function causesOf(error: Error): Error[] {
  const causes: Error[] = [];
  for (let next: unknown = error; next instanceof Error && causes.length <= MAX_CAUSES; next = next.cause) {
    causes.push(next);
    if (next instanceof AggregateError) causes.push(...next.errors.filter((inner) => inner instanceof Error));
  }
  return causes.slice(1, MAX_CAUSES + 1);
}

/** Name, code and message. Other members stay out: HTTP errors carry whole requests, database errors whole rows. */
function headOf(error: Error): Record<string, unknown> {
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined;
  const name = error instanceof AppError ? undefined : error.name;
  return { name, code, message: wordsOf(error, error.message) };
}

/** What nobody foresaw may quote anything: the token of a request, the line that did not parse. */
function wordsOf(error: Error, text: string): string {
  const masked = maskText(text, MAX_TEXT);
  return error instanceof AppError && error.code !== 'internal' ? masked : hideOpaqueWords(masked);
}

function cleanError(error: Error, depth: number, walk: Walk): Record<string, unknown> {
  const causes = causesOf(error).map((cause) => defined(headOf(cause)));
  const app = error instanceof AppError ? error : undefined;
  const details = app === undefined || Object.keys(app.details).length === 0 ? undefined : app.details;
  return defined({
    ...headOf(error),
    kind: app?.kind,
    details: details === undefined ? undefined : clean(details, depth + 1, walk),
    retryAfterMs: app?.retryAfterMs,
    causes: causes.length === 0 ? undefined : causes,
    stack: walk.stacks === 'shown' && error.stack !== undefined ? wordsOf(error, error.stack) : undefined,
  });
}

function defined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
