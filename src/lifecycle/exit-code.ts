// What a process tells its parent when it ends: 0 ok, 1 failed, 2 wrong usage or configuration.

import { AppError } from '../core/errors.ts';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
/** Starting again is of no use: a person must change something first. */
export const EXIT_CONFIG = 2;

const MAX_CAUSES = 10;

/** 2 when `error` or one of its causes is of kind `config`, otherwise 1. */
export function exitCodeOf(error: unknown): typeof EXIT_FAILED | typeof EXIT_CONFIG {
  let next = error;
  for (let depth = 0; next instanceof Error && depth < MAX_CAUSES; depth++) {
    if (next instanceof AppError && next.kind === 'config') return EXIT_CONFIG;
    next = next.cause;
  }
  return EXIT_FAILED;
}
