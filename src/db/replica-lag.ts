// How far a physical replica is behind, without its clock and without trusting that it still hears of the primary: the primary's
// position in the log is noted with the time at which it was asked for, and whatever the replica has replayed bounds its age. A
// replica that lost its primary looks up to date to itself; here it grows old.

import type { Queryable } from './database.ts';
import { sql } from './sql.ts';

export interface LogPosition {
  /** Which cluster it is; the same for a primary and its replicas. */
  readonly system: string;
  /** Null on a replica: what it follows is not its own. */
  readonly timeline: string | null;
  readonly position: bigint;
}

function toPosition(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** Where the server is in the log: what it has written, or as a replica what it has replayed. */
export async function readLogPosition(db: Queryable): Promise<LogPosition> {
  const { rows } = await db.query<{ system: string; timeline: string | null; position: string | null }>(sql`
    select c.system_identifier::text as system,
      case when pg_is_in_recovery() then null else left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline,
      (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as position
    from pg_control_system() c`);
  const { system, timeline, position } = rows[0]!;
  return { system, timeline, position: toPosition(position ?? '0/0') };
}

interface Mark {
  readonly at: number;
  readonly position: bigint;
}

/** A minute of looks; a replica that is further behind is of no use anyway. */
const MAX_MARKS = 60;

export interface LagMeter {
  /** What both said; `at`: monotonic, before either was asked. */
  note(at: number, primary: LogPosition, replica: LogPosition): void;
  /** Upper bound of the replica's age in milliseconds; infinite while nothing is known. */
  lagAt(now: number): number;
}

/**
 * True when the second one is what it says: a replica of the first, or the first itself under another address. Another cluster, and a
 * replica that was promoted and went its own way, have no age that could be told.
 */
function follows(primary: LogPosition, replica: LogPosition): boolean {
  return replica.system === primary.system && (replica.timeline === null || replica.timeline === primary.timeline);
}

export function createLagMeter(): LagMeter {
  let marks: Mark[] = [];
  let caughtUpAt = Number.NEGATIVE_INFINITY;
  return {
    note(at, primary, replica) {
      if (!follows(primary, replica)) {
        caughtUpAt = Number.NEGATIVE_INFINITY;
        return;
      }
      marks = [...marks, { at, position: primary.position }].slice(-MAX_MARKS);
      const reached = marks.findLast(({ position }) => position <= replica.position);
      if (reached === undefined) return;
      caughtUpAt = Math.max(caughtUpAt, reached.at);
      marks = marks.filter(({ at: markedAt }) => markedAt >= reached.at);
    },
    lagAt: (now) => now - caughtUpAt,
  };
}
