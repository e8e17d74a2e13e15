// Hands a person his data: one file of JSON lines per table, an index, and a word to the reader. One snapshot, read in the user's
// own scope under row level security, so that nothing of anybody else can be in it.

import { mkdir, open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import type { Database, Tx } from '../db/database.ts';
import { listExportTables, readExportLines, type ExportColumn, type ExportTable } from '../store/exports.ts';
import type { User } from '../store/users.ts';

export interface ExportedTable {
  readonly table: string;
  readonly file: string;
  readonly rows: number;
  readonly columns: readonly ExportColumn[];
}

export interface ExportIndex {
  readonly version: 1;
  readonly user: Pick<User, 'id' | 'email' | 'timezone'>;
  /** Instant of the snapshot, ISO 8601 in UTC. */
  readonly at: string;
  readonly tables: readonly ExportedTable[];
}

export interface ExportRequest {
  readonly user: User;
  /** A folder that does not exist yet. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onTable: (done: number, total: number, table: string) => void;
}

const BATCH_ROWS = 1_000;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

const README = `This folder holds what Tidemark keeps about one person.

Each .ndjson file is a table; each of its lines is one row as JSON. Amounts of money and long numbers are written as text, so that
no program rounds them; instants are in UTC; a column that ends in _currency or is named currency says what an amount is in.
index.json lists the files with their columns and how many rows they have.

Not in here: credentials, which nobody can read back, and the raw form of records that did not fit, which is sealed as well;
sync_quarantine.ndjson says which those were and why.
`;

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: PRIVATE_FOLDER });
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it exists already' : `it cannot be made (${code})`;
    throw new AppError('usage.invalid', `expected a new folder, got ${folder}: ${why}`, { cause: error });
  }
}

async function writeTable(tx: Tx, table: ExportTable, { user, folder, signal }: ExportRequest): Promise<ExportedTable> {
  const file = `${table.name}.ndjson`;
  const handle = await open(path.join(folder, file), 'w', PRIVATE_FILE);
  let rows = 0;
  try {
    for await (const lines of readExportLines(tx, table, { userId: user.id, batch: BATCH_ROWS })) {
      signal.throwIfAborted();
      await handle.write(`${lines.join('\n')}\n`);
      rows += lines.length;
    }
  } finally {
    await handle.close();
  }
  return { table: table.name, file, rows, columns: table.columns };
}

/** `db`: pool of the api role. Throws `usage.invalid` for a folder that is there; an abort leaves it without an index. */
export async function exportUser(db: Database, request: ExportRequest): Promise<ExportIndex> {
  const { user, folder, signal, onTable } = request;
  await makeFolder(folder);
  const { id, email, timezone } = user;
  const index = await db.tx({ kind: 'user', userId: id }, async (tx): Promise<ExportIndex> => {
    await tx.query(`set transaction isolation level repeatable read, read only; set local timezone = 'UTC'`);
    const tables = await listExportTables(tx);
    const { rows } = await tx.query<{ at: Date }>('select now() as at');
    const exported: ExportedTable[] = [];
    for (const table of tables) {
      signal.throwIfAborted();
      onTable(exported.length, tables.length, table.name);
      exported.push(await writeTable(tx, table, request));
    }
    onTable(tables.length, tables.length, '');
    return { version: 1, user: { id, email, timezone }, at: rows[0]!.at.toISOString(), tables: exported };
  });
  await writeFile(path.join(folder, 'README.txt'), README, { mode: PRIVATE_FILE });
  await writeFile(path.join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`, { mode: PRIVATE_FILE });
  return index;
}
