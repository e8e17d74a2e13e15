// Reading what a person gave: JSON files, numbers, choices. Every mistake says what was expected and what came.

import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { parseCredentials, parseSettings } from '../ops/accounts.ts';

const FILE_LIMIT_BYTES = 1024 * 1024;

async function readJsonFile(path: string, what: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new AppError(
      'usage.invalid',
      `${what}: cannot read ${path} (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      { cause: error },
    );
  }
  if (text.length > FILE_LIMIT_BYTES) throw new AppError('usage.invalid', `${what}: ${path} is larger than 1 MiB`);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may be a secret.
    throw new AppError('usage.invalid', `${what}: expected JSON in ${path}, which does not parse`);
  }
}

/** A settings file checked against `schema`. Throws `usage.invalid` or `input.invalid` with all problems. */
export async function readSettings<T>(path: string | undefined, schema: z.ZodType<T>): Promise<T> {
  const raw = path === undefined ? {} : await readJsonFile(path, 'settings file');
  return parseSettings(schema, raw);
}

/** A credentials file checked against `schema`, as a secret. No message ever quotes a value of it. */
export async function readCredentials<T>(path: string, schema: z.ZodType<T>): Promise<Secret<T>> {
  return parseCredentials(schema, await readJsonFile(path, 'credentials file'));
}

/** A whole number in a range. Throws `usage.invalid`. */
export function wholeNumber(
  text: string,
  option: string,
  range: { readonly min: number; readonly max: number },
): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range.min && value <= range.max)) {
    throw new AppError(
      'usage.invalid',
      `${option}: expected a whole number from ${range.min} to ${range.max}, got ${JSON.stringify(text)}`,
    );
  }
  return value;
}

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** An instant with its offset; a date is its midnight in UTC. Throws `usage.invalid`. */
export function instant(text: string, option: string): Date {
  const at = new Date(INSTANT.test(text) ? text : Number.NaN);
  if (Number.isNaN(at.getTime()))
    throw new AppError(
      'usage.invalid',
      `${option}: expected an instant like 2026-03-01T12:00:00Z, got ${JSON.stringify(text)}`,
    );
  return at;
}

/** A JSON object on the command line. Throws `usage.invalid`. */
export function jsonObject(text: string, option: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AppError('usage.invalid', `${option}: expected JSON, which does not parse`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new AppError('usage.invalid', `${option}: expected a JSON object, got ${JSON.stringify(parsed)}`);
  return parsed as Readonly<Record<string, unknown>>;
}
