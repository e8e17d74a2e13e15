// The doctor's look at what grows: months made ahead, tables and indexes that hold more than their rows need, and the replica that
// reports are read from.

import type { Config } from '../config/config.ts';
import { openDatabase, type Queryable } from '../db/database.ts';
import { readLogPosition } from '../db/replica-lag.ts';
import { findBloat } from '../store/bloat.ts';
import { listMonths, PARTITIONED_TABLES } from '../store/partitions.ts';
import type { Finding } from './check.ts';

const MIB = 1024 * 1024;

/** Next month's partition should be there for weeks when it is needed. */
export async function checkMonths(db: Queryable, now: Date): Promise<Finding> {
  const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)).toISOString().slice(0, 10);
  const lacking: string[] = [];
  for (const table of PARTITIONED_TABLES)
    if (!(await listMonths(db, table)).some(({ month }) => month === next)) lacking.push(table);
  if (lacking.length === 0) return { status: 'ok', finding: 'growing tables have a partition for next month' };
  const finding = `no partition for next month: ${lacking.join(', ')}`;
  return { status: 'weak', finding, advice: 'a scheduler makes them: is one running, and what does its log say?' };
}

export async function checkBloat(db: Queryable): Promise<Finding> {
  const bloated = await findBloat(db);
  if (bloated.length === 0) return { status: 'ok', finding: 'no table and no index holds far more than its rows need' };
  const told = bloated.map(({ kind, name, bytes, factor }) => {
    const size = `${Math.round(bytes / MIB)} MiB`;
    return kind === 'table'
      ? `${name}: ${Math.round(factor * 100)} % of its rows are dead, ${size}`
      : `${name}: ${size}`;
  });
  const advice =
    'reindex index concurrently <index>; for tables look for what holds back vacuum: old transactions, slots';
  return { status: 'weak', finding: told.join('; '), advice };
}

/** Whether READ_DATABASE_URL opens a replica of this database, and how much of its log it lacks. */
export async function checkReplica({ database: { url, readUrl } }: Config, primary: Queryable): Promise<Finding> {
  if (readUrl === undefined || readUrl.reveal() === url?.reveal())
    return { status: 'ok', finding: 'none: reports are read from the database itself' };
  const replica = openDatabase({ url: readUrl, role: 'tidemark_readonly', poolSize: 1 });
  try {
    const [ahead, behind] = [await readLogPosition(primary), await readLogPosition(replica)];
    if (ahead.system !== behind.system)
      return { status: 'failed', finding: 'READ_DATABASE_URL opens another cluster', advice: 'it is never read' };
    const isOwnWay = behind.timeline !== null && behind.timeline !== ahead.timeline;
    if (isOwnWay)
      return {
        status: 'failed',
        finding: 'READ_DATABASE_URL opens a replica that was promoted',
        advice: 'it is never read',
      };
    const lacks = Math.max(0, Number(ahead.position - behind.position));
    return { status: 'ok', finding: `it lacks ${lacks} bytes of the log; reports use it while that is less than 5 s` };
  } finally {
    await replica.close();
  }
}
