// Due streams into runs, ledger and engine: how long for all of them, and whether ten times as many take ten times as
// long.

import { createAdmission } from '../../../queues/admission.ts';
import { createPgBossDriver } from '../../../queues/drivers/pgboss/driver.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { AppError } from '../../../src/core/errors.ts';
import { claimDue } from '../../../src/scheduler/claim-due.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase } from '../bench-case.ts';
import { addDueStreams } from '../due-streams.ts';
import { timed } from '../measure.ts';

const NEVER = new AbortController().signal;

export const scheduler: BenchCase = {
  name: 'scheduler',
  async run(world, { quick, note }) {
    const database = await world.createDatabase();
    try {
      const streams = quick ? 10_000 : 100_000;
      const db = database.open('tidemark_scheduler', 5);
      const shared = { db, driver: createPgBossDriver({ db, log: silentLog }), clock: systemClock, log: silentLog };
      await shared.driver.start();
      const deps = { ...shared, queue: createJobQueue(shared) };
      const admission = createAdmission(shared);
      const planAll = async (expected: number): Promise<number> => {
        const ms = await timed(async () => {
          const { due } = await claimDue(deps, NEVER);
          if (due !== expected) throw new AppError('internal', `expected ${expected} due streams, got ${due}`);
          await admission.admitDue();
        });
        return ms / 1_000;
      };
      note(`${streams / 10} streams`);
      await addDueStreams(database.superuserUrl, 1, streams / 10);
      const tenth = await planAll(streams / 10);
      note(`${streams} streams`);
      await addDueStreams(database.superuserUrl, streams / 10 + 1, streams / 10 + streams);
      const seconds = await planAll(streams);
      await shared.driver.stop();
      return [
        {
          name: `scheduler, ${streams} due streams`,
          unit: 's',
          ours: seconds,
          reference: 10 * tenth,
          ratio: (10 * tenth) / seconds,
          target: { of: 'ours', atMost: 10 },
          details: { reference: 'ten times the time of a tenth: 1 is linear', streams, tenthSeconds: tenth },
        },
      ];
    } finally {
      await database.drop();
    }
  },
};
