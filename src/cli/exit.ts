// Exit codes: 0 ok, 1 failed, 2 wrong usage or configuration.

import { toAppError, type AppError } from '../core/errors.ts';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

const USAGE_CODES: ReadonlySet<string> = new Set([
  'usage.invalid',
  'config.invalid',
  'input.invalid',
  'vault.key_missing',
  'vault.key_file_unreadable',
  'credential.invalid',
  'migration.newer_schema',
  'migration.pending',
  'embedded_postgres.unavailable',
]);

export function exitCodeOf(error: AppError): number {
  return USAGE_CODES.has(error.code) ? EXIT_USAGE : EXIT_FAILED;
}

/** The sentence for a person; every error says its code, so that it can be searched for. */
export function describeError(thrown: unknown): { readonly text: string; readonly exitCode: number } {
  const error = toAppError(thrown);
  return { text: `tidemark: ${error.message} [${error.code}]`, exitCode: exitCodeOf(error) };
}
