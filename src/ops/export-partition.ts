// Writes a month of a growing table into a file before it goes: compressed JSON lines, one for each row. Export and drop are one
// transaction of the owner that holds off writers, so what is dropped is what is in the file.

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { AppError } from '../core/errors.ts';
import type { Database, Tx } from '../db/database.ts';
import { ident } from '../db/sql.ts';
import { dropMonth, findMonth, type MonthFate, type MonthPartition } from '../store/partitions.ts';

export interface PartitionExport {
  /** Pool of the owner. */
  readonly owner: Database;
  /** `audit_logs_202601`. */
  readonly name: string;
  /** A folder that is there. */
  readonly folder: string;
  /** Null: it stays. Else months that ended before then may go. */
  readonly dropBefore: Date | null;
  readonly signal: AbortSignal;
}

export interface ExportedPartition {
  readonly partition: string;
  readonly file: string;
  readonly rows: number;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
  /** Null: nobody asked. */
  readonly dropped: MonthFate | null;
}

const BATCH_ROWS = 1_000;
const PRIVATE_FILE = 0o600;

/** Through the parent, whose policies let its owner see; a table of somebody else would look empty. */
async function* linesOf(tx: Tx, { table, name }: MonthPartition, counted: { rows: number }): AsyncGenerator<string> {
  await tx.query(`
    declare exported no scroll cursor for
    select row_to_json(t)::text as line from ${ident(table)} t where t.tableoid = '${ident(name)}'::regclass`);
  for (;;) {
    const { rows } = await tx.query<{ line: string }>(`fetch ${BATCH_ROWS} from exported`);
    if (rows.length > 0) yield rows.map(({ line }) => `${line}\n`).join('');
    counted.rows += rows.length;
    if (rows.length < BATCH_ROWS) break;
  }
  await tx.query('close exported');
}

async function assertOwned(tx: Tx, { table }: MonthPartition): Promise<void> {
  const { rows } = await tx.query<{ owned: boolean }>(
    `select pg_has_role(current_user, relowner, 'usage') as owned from pg_class where oid = $1::regclass`,
    [table],
  );
  if (rows[0]?.owned !== true)
    throw new AppError('usage.invalid', 'only the owner of the tables sees every row: set OWNER_DATABASE_URL');
}

async function toDisk(file: string): Promise<void> {
  const handle = await open(file);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** On disk for good before anything is dropped. */
async function writeFileOf(tx: Tx, month: MonthPartition, file: string, signal: AbortSignal) {
  const counted = { rows: 0 };
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const part = `${file}.part`;
  try {
    const to = createWriteStream(part, { mode: PRIVATE_FILE, flags: 'wx' });
    await pipeline(Readable.from(linesOf(tx, month, counted)), createGzip(), hashing, to, { signal });
    await toDisk(part);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return { rows: counted.rows, sha256: hash.digest('hex') };
}

/** Throws `not_found`, `usage.invalid`; a file that is there is replaced. */
export async function exportPartition(options: PartitionExport): Promise<ExportedPartition> {
  const { owner, name, folder, dropBefore, signal } = options;
  return await owner.tx({ kind: 'none' }, async (tx) => {
    const month = await findMonth(tx, name);
    if (month === null) throw new AppError('not_found', `no month of a growing table is called ${name}`);
    await assertOwned(tx, month);
    // Who reads goes on; nothing is written to it until this ends.
    await tx.query(`lock table only ${ident(name)} in share row exclusive mode`);
    const file = path.join(folder, `${name}.ndjson.gz`);
    const written = await writeFileOf(tx, month, file, signal);
    const dropped = dropBefore === null ? null : await dropMonth(tx, month, dropBefore);
    return { partition: name, file, ...written, dropped };
  });
}
