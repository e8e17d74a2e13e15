// What a command says when it fails: one sentence with the stable code, and the exit code that goes with it.

import { toAppError } from '../core/errors.ts';
import { hideOpaqueWords } from '../core/opaque-words.ts';
import { exitCodeOf } from '../lifecycle/exit-code.ts';
import { maskText } from '../telemetry/mask-text.ts';

export interface Failure {
  /** For stderr; the code makes it searchable. */
  readonly text: string;
  readonly exitCode: number;
}

/** All problems of an environment fit. */
const MAX_TEXT = 20_000;

export function describeError(thrown: unknown): Failure {
  const error = toAppError(thrown);
  const masked = maskText(error.message, MAX_TEXT);
  const said = error.code === 'internal' ? hideOpaqueWords(masked) : masked;
  return { text: `tidemark: ${said} [${error.code}]`, exitCode: exitCodeOf(error) };
}

/** What the parser of the command line says of words that it does not know; one of them may be a secret. */
export function describeUsage(text: string): string {
  return hideOpaqueWords(maskText(text, MAX_TEXT));
}
