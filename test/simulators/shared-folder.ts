// Finds the optional folder of specifications and data beside the repository (`../shared`). Absent is normal: whoever
// needs it skips visibly. Nothing from it is ever copied into the repository.

import { existsSync } from 'node:fs';
import path from 'node:path';

const REPOSITORY_ROOT = path.resolve(import.meta.dirname, '..', '..');

/** Absolute path of a file in `../shared`, or undefined when it is not there. */
export function sharedFile(relative: string): string | undefined {
  const candidate = path.join(REPOSITORY_ROOT, '..', 'shared', relative);
  return existsSync(candidate) ? candidate : undefined;
}
