// The migrations that this code brings: SQL files in order of their number.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const MIGRATIONS_FOLDER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../migrations');

export interface MigrationFile {
  /** File name without `.sql`: `0001_access`. */
  readonly name: string;
  /** True when code that does not know this migration must not run against it (a line `-- breaking: yes`). */
  readonly breaking: boolean;
}

export async function migrationFiles(folder: string = MIGRATIONS_FOLDER): Promise<readonly MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return await Promise.all(
    names.map(async (name) => ({
      name: name.replace(/\.sql$/, ''),
      breaking: /^-- breaking: yes$/m.test(await readFile(path.join(folder, name), 'utf8')),
    })),
  );
}
