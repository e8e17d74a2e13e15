// One late fact: how long until its day is rolled up again, among many users and among a tenth of them.

import type { JobContext } from '../../../queues/port.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { createRollupHandler } from '../../../src/rollups/roll-day.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase } from '../bench-case.ts';
import { addDueStreams } from '../due-streams.ts';
import { median, timed } from '../measure.ts';
import { claimRun } from '../sync-rig.ts';
import type { BenchDatabase } from '../world.ts';

const FACTS_PER_USER = 100;
const DAY = '2026-03-01';
const TRIALS = 21;

/** A proposal every 6 hours before and after the day, for users without any. */
async function addFacts(database: BenchDatabase): Promise<void> {
  await database.asSuperuser(
    `insert into proposals (user_id, integration_id, upwork_proposal_id, status, platform_status, submitted_at, content_hash)
     select i.user_id, i.id, 'p' || n, 'submitted', 'submitted', $1::timestamptz + (n - 50) * interval '6 hours', '\\x00'
     from integrations i
     cross join generate_series(1, $2::integer) as n
     where not exists (select from proposals p where p.user_id = i.user_id)`,
    [`${DAY}T12:00:00Z`, FACTS_PER_USER],
  );
  await database.asSuperuser('analyze proposals');
}

/** Median milliseconds of taking a mark, rolling the day up and giving the lease back. */
async function rollOne(database: BenchDatabase, db: ReturnType<BenchDatabase['open']>): Promise<number> {
  const claimed = await claimRun(database.asSuperuser);
  const userId = claimed.userId!;
  await addFacts(database);
  const job = {
    ...claimed,
    kind: 'metrics.rollup',
    payload: { userId, day: DAY },
    log: silentLog,
  } as unknown as JobContext<'metrics.rollup'>;
  const roll = createRollupHandler({ db, clock: systemClock });
  const times: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    await database.asSuperuser(
      `insert into proposals (user_id, integration_id, upwork_proposal_id, status, platform_status, submitted_at, content_hash)
       select user_id, id, $2, 'submitted', 'submitted', $3, '\\x00' from integrations where user_id = $1`,
      [userId, uuidv7(), `${DAY}T10:00:00Z`],
    );
    await database.asSuperuser('insert into dirty_days (user_id, day) values ($1, $2)', [userId, DAY]);
    times.push(await timed(() => roll(job)));
  }
  return median(times);
}

export const rollup: BenchCase = {
  name: 'rollup',
  async run(world, { quick, note }) {
    const database = await world.createDatabase();
    try {
      const users = quick ? 1_000 : 10_000;
      const db = database.open('tidemark_worker', 2);
      note(`${users / 10} users`);
      await addDueStreams(database.superuserUrl, 1, users / 10);
      const few = await rollOne(database, db);
      note(`${users} users`);
      await addDueStreams(database.superuserUrl, users / 10 + 1, users);
      const many = await rollOne(database, db);
      return [
        {
          name: `rollup, one late fact of ${users * FACTS_PER_USER}`,
          unit: 'ms',
          ours: many,
          reference: few,
          ratio: few / many,
          target: { of: 'ours', atMost: 50 },
          details: { reference: 'the same among a tenth of the users: 1 is flat', users, trials: TRIALS },
        },
      ];
    } finally {
      await database.drop();
    }
  },
};
