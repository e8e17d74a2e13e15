// Admission: which waiting jobs enter the engine, and in what order. Classes strictly in order, users by weighted fair
// queueing, and no user holds more due jobs inside the engine than its weight allows. Decided in Postgres, in front of every
// engine. Several admitters may run at once; a race may exceed a user's bound by a few, never admit a job twice.

import type { Clock } from '../src/core/clock.ts';
import type { Database, Queryable, Tx } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { ADMIT_OF_ALL, ADMIT_OF_USERS, LOADS, type PassRow } from './admission-sql.ts';
import type { EngineDriver } from './driver.ts';
import { admitAtOnce, tagJobs, type Candidate, type Share, type UserLoad } from './fairness.ts';
import { engineJobOf } from './ledger.ts';

export const BACKLOG_PER_USER = 20;
const BATCH_SIZE = 1_000;
/** The row of `fair_shares` that is the virtual clock. */
const VIRTUAL_CLOCK = '00000000-0000-0000-0000-000000000000';

export interface AdmissionDeps {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Due jobs inside the engine of a user of weight 1. Default 20. */
  readonly backlogPerUser?: number;
}

export interface Admission {
  /** Admits all that may enter now; with `userIds` only of these users. Answers the number of jobs admitted. */
  admitDue(scope?: { readonly userIds?: readonly string[]; readonly signal?: AbortSignal }): Promise<number>;
  /** What waits, at the price of one statement: for a loop that mostly finds nothing. Needs a role that sees every job. */
  outlook(): Promise<Outlook>;
  /** For jobs about to be written: which enter at once, and the tags of those who wait. */
  place(tx: Tx, jobs: readonly Candidate[]): Promise<readonly Placement[]>;
}

export interface Outlook {
  /** Something waits whose time has come. */
  readonly isDue: boolean;
  /** Milliseconds until the time of the next one that waits for it; null when there is none. */
  readonly nextInMs: number | null;
}

export interface Placement {
  readonly admitted: boolean;
  readonly fairTag: number;
}

/** Locked in one order, so that two enqueues of the same users wait for each other instead of deadlocking. */
const LOCK_SHARES = sql`
insert into fair_shares as s (user_id)
select user_id from unnest($1::uuid[]) as u (user_id) order by user_id
on conflict (user_id) do update set weight = s.weight
returning user_id as "userId", weight, finish_tag as "finishTag"`;

const SAVE_FINISH_TAGS = sql`
update fair_shares s
set finish_tag = i.finish_tag
from unnest($1::uuid[], $2::double precision[]) as i (user_id, finish_tag)
where s.user_id = i.user_id`;

const ADVANCE_CLOCK = sql`
insert into fair_shares as s (user_id, finish_tag)
values ('${VIRTUAL_CLOCK}', $1)
on conflict (user_id) do update set finish_tag = excluded.finish_tag
where s.finish_tag < excluded.finish_tag`;

const OUTLOOK = sql`
select
  exists (select from job_ledger where state = 'pending' and run_at <= $1) as "isDue",
  (select min(run_at) from job_ledger where state = 'pending' and run_at > $1) as "nextAt"`;

async function virtualTime(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ now: number }>(
    sql`select finish_tag as now from fair_shares where user_id = '${VIRTUAL_CLOCK}'`,
  );
  return rows[0]?.now ?? 0;
}

async function assignTags(tx: Tx, waiting: readonly Candidate[]): Promise<readonly number[]> {
  const jobs = waiting.map(({ userId, cost }) => ({ userId: userId ?? VIRTUAL_CLOCK, cost }));
  const users = [...new Set(jobs.map(({ userId }) => userId))].filter((userId) => userId !== VIRTUAL_CLOCK);
  const { rows: shares } = await tx.query<Share>(LOCK_SHARES, [users]);
  const { tags, finishTags } = tagJobs(jobs, shares, await virtualTime(tx));
  await tx.query(SAVE_FINISH_TAGS, [users, users.map((userId) => finishTags.get(userId) ?? 0)]);
  // Delayed jobs of the system queue behind nobody.
  return tags.map((tag, index) => (jobs[index]?.userId === VIRTUAL_CLOCK ? 0 : tag));
}

interface Limits {
  readonly backlogPerUser: number;
  readonly now: Date;
}

async function loadsOf(tx: Tx, jobs: readonly Candidate[], { backlogPerUser, now }: Limits) {
  const users = [...new Set(jobs.flatMap(({ userId }) => (userId === null ? [] : [userId])))];
  // Jobs of the system have no loads to ask for.
  if (users.length === 0) return new Map<string, UserLoad>();
  const { rows } = await tx.query<UserLoad & { readonly userId: string }>(LOADS, [now, backlogPerUser, users]);
  return new Map<string, UserLoad>(rows.map((row) => [row.userId, row]));
}

export function createAdmission({
  db,
  driver,
  clock,
  log,
  backlogPerUser = BACKLOG_PER_USER,
}: AdmissionDeps): Admission {
  async function admitBatch(full: readonly string[], userIds: readonly string[] | undefined) {
    const pass = async (tx: Tx) => {
      const values = [clock.now(), backlogPerUser, BATCH_SIZE, userIds ?? full];
      const { rows } = await tx.query<PassRow>(userIds === undefined ? ADMIT_OF_ALL : ADMIT_OF_USERS, values);
      const entered = rows
        .filter(({ id }) => id !== null)
        .sort((a, b) => a.class - b.class || a.fairTag - b.fairTag || (a.id < b.id ? -1 : 1));
      if (entered.length > 0) await tx.query(ADVANCE_CLOCK, [Math.max(...entered.map(({ fairTag }) => fairTag))]);
      await driver.add(entered.map(engineJobOf), { tx });
      return { entered, candidates: rows[0]?.candidates ?? 0, full: rows[0]?.full ?? [] };
    };
    return await db.tx({ kind: 'ops' }, pass);
  }

  return {
    async admitDue({ userIds, signal } = {}) {
      let admitted = 0;
      let full: string[] = [];
      for (;;) {
        if (signal?.aborted === true) break;
        const batch = await admitBatch(full, userIds);
        admitted += batch.entered.length;
        // Of named users all that fits has been seen; and where nothing moved, somebody else is at it.
        const isStuck = batch.entered.length === 0 && batch.full.length === 0;
        if (userIds !== undefined || batch.candidates < BATCH_SIZE || isStuck) break;
        full = [...full, ...batch.full];
      }
      if (admitted > 0) log.emit('admission.admitted', { jobs: admitted });
      return admitted;
    },

    async outlook() {
      const now = clock.now();
      const { rows } = await db.query<{ isDue: boolean; nextAt: Date | null }>(OUTLOOK, [now]);
      const { isDue = false, nextAt = null } = rows[0] ?? {};
      return { isDue, nextInMs: nextAt === null ? null : nextAt.getTime() - now.getTime() };
    },

    async place(tx, jobs) {
      const now = clock.now();
      const loads = await loadsOf(tx, jobs, { backlogPerUser, now });
      const admitted = admitAtOnce(jobs, loads, { backlogPerUser, now });
      const waiting = jobs.filter((_, index) => !admitted[index]);
      const tags = waiting.length === 0 ? [] : await assignTags(tx, waiting);
      let next = 0;
      return admitted.map((entered) => ({ admitted: entered, fairTag: entered ? 0 : (tags[next++] ?? 0) }));
    },
  };
}
