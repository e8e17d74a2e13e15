// Daily metrics: one late fact, and a full pass over all days of all users; among many users and among a tenth of them.

import type { JobContext } from '../../../queues/port.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { createRollupHandler } from '../../../src/rollups/roll-day.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase } from '../bench-case.ts';
import { addDueStreams } from '../due-streams.ts';
import { addFacts, FACT_DAY, FACTS_PER_USER } from '../facts.ts';
import { median, perSecond, timed } from '../measure.ts';
import { claimRun } from '../sync-rig.ts';
import type { BenchDatabase } from '../world.ts';

const TRIALS = 21;
/** Rollups in hand at once. */
const LANES = 4;

type Claimed = Awaited<ReturnType<typeof claimRun>>;
type Pool = ReturnType<BenchDatabase['open']>;

const jobOf = (claimed: Claimed, userId: string, day: string): JobContext<'metrics.rollup'> =>
  ({
    ...claimed,
    jobId: uuidv7(),
    attempt: 1,
    kind: 'metrics.rollup',
    payload: { userId, day },
    log: silentLog,
  }) as unknown as JobContext<'metrics.rollup'>;

/** Median milliseconds of taking a mark, rolling the day up and giving the lease back. */
async function rollOne(database: BenchDatabase, db: Pool, claimed: Claimed): Promise<number> {
  const userId = claimed.userId!;
  const roll = createRollupHandler({ db, clock: systemClock });
  const times: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    await database.asSuperuser(
      `insert into proposals (user_id, integration_id, upwork_proposal_id, status, platform_status, submitted_at, content_hash)
       select user_id, id, $2, 'submitted', 'submitted', $3, '\\x00' from integrations where user_id = $1`,
      [userId, uuidv7(), `${FACT_DAY}T10:00:00Z`],
    );
    await database.asSuperuser('insert into dirty_days (user_id, day) values ($1, $2)', [userId, FACT_DAY]);
    times.push(await timed(() => roll(jobOf(claimed, userId, FACT_DAY))));
  }
  return median(times);
}

/** Facts per second when every day of every user is rolled up. */
async function rollAll(database: BenchDatabase, db: Pool, claimed: Claimed): Promise<number> {
  const users = await database.asSuperuser<{ user_id: string; day: string }>(
    `with marked as (
       insert into dirty_days (user_id, day)
       select distinct p.user_id, (f.at at time zone 'UTC')::date
       from integrations p
       cross join lateral (
         select submitted_at as at from proposals where user_id = p.user_id
         union all select ordered_at from orders where user_id = p.user_id
         union all select sent_at from messages where user_id = p.user_id
       ) f
       returning user_id, day
     )
     select user_id, min(day)::text as day from marked group by user_id`,
  );
  await database.asSuperuser('analyze dirty_days');
  const roll = createRollupHandler({ db, clock: systemClock });
  const left = users.values();
  const lane = async (): Promise<void> => {
    for (const { user_id: userId, day } of left) await roll(jobOf(claimed, userId, day));
  };
  const ms = await timed(() => Promise.all(Array.from({ length: LANES }, lane)));
  return perSecond(users.length * FACTS_PER_USER, ms);
}

interface Measured {
  readonly one: number;
  readonly all: number;
}

async function measure(database: BenchDatabase, db: Pool): Promise<Measured> {
  const claimed = await claimRun(database.asSuperuser);
  await addFacts(database);
  const all = await rollAll(database, db, claimed);
  return { one: await rollOne(database, db, claimed), all };
}

export const rollup: BenchCase = {
  name: 'rollup',
  async run(world, { quick, note }) {
    const database = await world.createDatabase();
    try {
      const users = quick ? 1_000 : 10_000;
      const db = database.open('tidemark_worker', LANES);
      note(`${users / 10} users`);
      await addDueStreams(database.superuserUrl, 1, users / 10);
      const few = await measure(database, db);
      note(`${users} users`);
      await addDueStreams(database.superuserUrl, users / 10 + 1, users);
      const many = await measure(database, db);
      const facts = users * FACTS_PER_USER;
      const reference = 'the same among a tenth of the users: 1 is';
      return [
        {
          name: `rollup, one late fact of ${facts}`,
          unit: 'ms',
          ours: many.one,
          reference: few.one,
          ratio: few.one / many.one,
          target: { of: 'ours', atMost: 50 },
          details: { reference: `${reference} flat`, users, trials: TRIALS },
        },
        {
          name: `rollup, every day of ${facts} facts`,
          unit: 'facts/s',
          ours: many.all,
          reference: few.all,
          ratio: many.all / few.all,
          target: { of: 'ratio', atLeast: 0.8 },
          details: { reference: `${reference} linear`, users, lanes: LANES },
        },
      ];
    } finally {
      await database.drop();
    }
  },
};
