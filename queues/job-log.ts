// What a job says: its log goes to the process's log and, from `info` on, beside the job, for people who look at one job.
// Lines are collected in memory and saved for many jobs at once; what is stored is sanitised like any log line.

import type { Clock } from '../src/core/clock.ts';
import { isUuid } from '../src/core/ids.ts';
import { storableText } from '../src/core/storable.ts';
import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import type { EventFields, EventLog } from '../src/telemetry/event-log.ts';
import { EVENTS, type EventLevel } from '../src/telemetry/events.ts';
import { fieldsText } from '../src/telemetry/pretty-line.ts';
import { sanitize } from '../src/telemetry/sanitize.ts';
import { createCollector } from './collector.ts';
import type { JobLogLine } from './port.ts';

export interface NewLogLine extends JobLogLine {
  readonly jobId: string;
  readonly userId: string | null;
}

export interface JobLog {
  /** For the handler. */
  readonly log: EventLog;
  /** Lines since the last time, oldest first. */
  take(): readonly NewLogLine[];
}

export interface JobLogOptions {
  readonly jobId: string;
  readonly userId: string | null;
  /** The process's log, with the job's fields bound to it. */
  readonly log: EventLog;
  readonly clock: Pick<Clock, 'now'>;
}

/** Lines of a job that wait to be saved; the watch loop saves them twice a second. */
const MAX_UNSAVED = 200;
const MAX_LINE_CHARS = 2_000;
/** Lines kept of a job, the newest. */
const MAX_KEPT = 1_000;

/** `message name=value …`, as a table takes it. */
function lineOf(message: string, fields: EventFields, jobId: string): string {
  const { jobId: named, ...others } = sanitize(fields, { stacks: 'hidden' });
  const shown = named === undefined || named === jobId ? others : { jobId: named, ...others };
  const line = storableText(`${message} ${fieldsText(shown)}`.trimEnd());
  return line.length > MAX_LINE_CHARS ? `${storableText(line.slice(0, MAX_LINE_CHARS - 1))}…` : line;
}

export function createJobLog({ jobId, userId, log, clock }: JobLogOptions): JobLog {
  let unsaved: NewLogLine[] = [];
  let dropped = 0;

  function collect(level: EventLevel, message: string, fields: EventFields): void {
    if (level === 'debug') return;
    if (unsaved.length >= MAX_UNSAVED) dropped += 1;
    else unsaved.push({ jobId, userId, at: clock.now(), level, line: lineOf(message, fields, jobId) });
  }

  const teeOf = (to: EventLog, bound: EventFields): EventLog => ({
    emit(event, fields = {}) {
      to.emit(event, fields);
      const { level, message } = EVENTS[event];
      collect(level, message, { ...bound, ...fields });
    },
    with: (fields) => teeOf(to.with(fields), { ...bound, ...fields }),
  });

  return {
    log: teeOf(log, {}),
    take() {
      const lines = unsaved;
      if (dropped > 0) {
        const line = `… ${dropped} more lines were dropped: a job said too much at once`;
        lines.push({ jobId, userId, at: clock.now(), level: 'warn', line });
      }
      unsaved = [];
      dropped = 0;
      return lines;
    },
  };
}

const INSERT_LINES = sql`
insert into job_logs (job_id, user_id, at, level, line)
select job_id, user_id, at, level, line
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[])
  with ordinality as i (job_id, user_id, at, level, line, ord)
order by ord`;

/** Each job's look goes along its own part of the primary key, no further than what is kept. */
const TRIM_JOBS = sql`
delete from job_logs l
using unnest($1::uuid[]) as j (id)
cross join lateral (
  select o.seq
  from job_logs o
  where o.job_id = j.id
  order by o.seq desc
  offset $2
  limit 1
) oldest
where l.job_id = j.id
  and l.seq <= oldest.seq`;

/** Saves lines of many jobs, each job's in order, and lets each job keep its newest 1,000. */
export async function saveJobLogs(db: Queryable, lines: readonly NewLogLine[]): Promise<void> {
  if (lines.length === 0) return;
  await db.query(INSERT_LINES, [
    lines.map(({ jobId }) => jobId),
    lines.map(({ userId }) => userId),
    lines.map(({ at }) => at),
    lines.map(({ level }) => level),
    lines.map(({ line }) => line),
  ]);
  await db.query(TRIM_JOBS, [[...new Set(lines.map(({ jobId }) => jobId))], MAX_KEPT]);
}

const GROUP_SIZE = 1_000;
/** Lines that wait while the database is away; more are dropped, because a log is not worth the memory. */
const MAX_WAITING = 20_000;

export interface LogWriter {
  save(lines: readonly NewLogLine[]): void;
  /** Resolves when nothing waits to be saved. */
  idle(): Promise<void>;
}

/** Saves lines in the order in which they come, many at once; what cannot be saved is reported and dropped. */
export function createLogWriter(db: Queryable, log: EventLog): LogWriter {
  let waiting = 0;
  const collector = createCollector<NewLogLine>({
    maxSize: GROUP_SIZE,
    lanes: 1,
    async flush(group) {
      waiting -= group.length;
      await saveJobLogs(db, group).catch((error: unknown) => log.emit('loop.failed', { part: 'job-log', error }));
    },
  });
  return {
    save(lines) {
      for (const line of lines.slice(0, Math.max(0, MAX_WAITING - waiting))) {
        waiting += 1;
        collector.push(line);
      }
    },
    idle: () => collector.idle(),
  };
}

/** Oldest first, at most 1,000. */
export async function readJobLogs(db: Queryable, jobId: string): Promise<readonly JobLogLine[]> {
  if (!isUuid(jobId)) return [];
  const { rows } = await db.query<JobLogLine>(
    sql`
    select at, level, line
    from (select seq, at, level, line from job_logs where job_id = $1 order by seq desc limit $2) newest
    order by seq`,
    [jobId, MAX_KEPT],
  );
  return rows;
}

/** What these jobs said, for good. */
export async function deleteJobLogs(db: Queryable, jobIds: readonly string[]): Promise<void> {
  const known = jobIds.filter(isUuid);
  if (known.length === 0) return;
  await db.query(sql`delete from job_logs where job_id = any($1::uuid[])`, [known]);
}

/** Removes lines older than `before`, at most `limit`, oldest first; answers how many. */
export async function pruneJobLogs(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from job_logs
    where (job_id, seq) in (
      select job_id, seq
      from job_logs
      where at < $1
      order by at
      limit $2
    )`,
    [before, limit],
  );
  return rowCount ?? 0;
}
