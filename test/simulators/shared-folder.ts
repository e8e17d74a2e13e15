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

/** Absolute paths of files in `../shared`, or null unless all are there. */
export function sharedFiles(relatives: readonly string[]): readonly string[] | null {
  const found = relatives.map(sharedFile).filter((file) => file !== undefined);
  return found.length === relatives.length ? found : null;
}
