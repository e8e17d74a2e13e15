// What a command says when it fails: one sentence with the stable code, and the exit code that goes with it.

import { toAppError } from '../core/errors.ts';
import { exitCodeOf } from '../lifecycle/exit-code.ts';

export interface Failure {
  /** For stderr; the code makes it searchable. */
  readonly text: string;
  readonly exitCode: number;
}

export function describeError(thrown: unknown): Failure {
  const error = toAppError(thrown);
  return { text: `tidemark: ${error.message} [${error.code}]`, exitCode: exitCodeOf(error) };
}
