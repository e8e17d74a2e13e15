// Jobs through the whole queue, one handler call a job, beside the bare libraries in the same rounds: pg-boss with its own
// workers in their best batch mode, BullMQ with its own worker at the same concurrency. And the way in: many at once, and
// singles side by side.

import { openBareBullMq } from '../sides/bare-bullmq.ts';
import { openBarePgBoss } from '../sides/bare-pgboss.ts';
import { openOurs, type OurKind } from '../sides/ours.ts';
import type { Side } from '../sides/side.ts';
import type { BenchCase, BenchOptions, Figure, Target } from '../bench-case.ts';
import { openEngines, type BenchEngine } from '../engines.ts';
import { median, medianRatio, perSecond, timed } from '../measure.ts';

const BATCH = 1_000;

interface Sizes {
  readonly jobs: number;
  readonly singles: number;
  readonly singlesAtOnce: number;
  readonly rounds: number;
}

const FULL: Sizes = { jobs: 20_000, singles: 2_000, singlesAtOnce: 100, rounds: 5 };
const QUICK: Sizes = { jobs: 3_000, singles: 500, singlesAtOnce: 100, rounds: 3 };

/** Jobs per second. */
interface Rates {
  readonly many: number;
  readonly single: number;
  readonly work: number;
}

interface Measured {
  readonly side: Side;
  readonly rounds: Rates[];
}

/** `count` calls of `one`, so many at once. */
async function sideBySide(count: number, atOnce: number, one: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function measureRound(side: Side, { jobs, singles, singlesAtOnce }: Sizes): Promise<Rates> {
  const single = await timed(() => sideBySide(singles, singlesAtOnce, () => side.send()));
  const many = await timed(async () => {
    for (let left = jobs; left > 0; left -= BATCH) await side.insert(Math.min(left, BATCH));
  });
  const work = await side.work(jobs + singles);
  return { many: perSecond(jobs, many), single: perSecond(singles, single), work: perSecond(jobs + singles, work) };
}

interface Comparison {
  readonly name: string;
  readonly of: keyof Rates;
  readonly ours: Measured;
  readonly bare: Measured | null;
  readonly target: Target | null;
  readonly details: Readonly<Record<string, unknown>>;
}

function figureOf({ name, of, ours, bare, target, details }: Comparison, sizes: Sizes): Figure {
  const mine = ours.rounds.map((rates) => rates[of]);
  const reference = bare?.rounds.map((rates) => rates[of]);
  return {
    name: `queue, ${name}`,
    unit: 'jobs/s',
    ours: median(mine),
    reference: reference === undefined ? null : median(reference),
    ratio: reference === undefined ? null : medianRatio(mine, reference),
    target,
    details: { ...sizes, ...details },
  };
}

interface Contest {
  readonly sides: readonly Measured[];
  readonly comparisons: readonly Comparison[];
  close(): Promise<void>;
}

const entered = (side: Side): Measured => ({ side, rounds: [] });

async function openPgBoss(engine: BenchEngine): Promise<Contest> {
  const driver = engine.driver(engine.database.open('tidemark_worker', 12));
  await driver.start();
  const ours = (kind: OurKind, concurrency: number): Measured =>
    entered(openOurs({ engine, driver, kind, concurrency }));
  const bare = entered(await openBarePgBoss(engine.database.superuserUrl));
  const [short, wide, durable] = [ours('derived', 50), ours('derived', 500), ours('durable', 50)];
  const reference = 'bare pg-boss, batches of 1,000';
  const inHand = (concurrency: number) => ({ concurrency, reference });
  return {
    sides: [bare, short, wide, durable],
    comparisons: [
      {
        name: 'pg-boss, short jobs, 50 in hand',
        of: 'work',
        ours: short,
        bare,
        target: { of: 'ratio', atLeast: 0.7 },
        details: inHand(50),
      },
      {
        name: 'pg-boss, short jobs, 500 in hand',
        of: 'work',
        ours: wide,
        bare,
        target: null,
        details: inHand(500),
      },
      { name: 'pg-boss, durable jobs', of: 'work', ours: durable, bare, target: null, details: inHand(50) },
      {
        name: 'pg-boss, enqueue, singles at once',
        of: 'single',
        ours: durable,
        bare,
        target: { of: 'ratio', atLeast: 5 },
        details: { reference: 'bare send' },
      },
      {
        name: 'pg-boss, enqueueMany of 1,000',
        of: 'many',
        ours: durable,
        bare,
        target: null,
        details: { reference: 'bare insert' },
      },
    ],
    async close() {
      for (const { side } of [bare, short, wide, durable]) await side.close();
      await driver.stop();
    },
  };
}

async function openBullMq(engine: BenchEngine): Promise<Contest> {
  const driver = engine.driver(engine.database.open('tidemark_worker', 12));
  await driver.start();
  const redisUrl = engine.redisUrl!;
  const ours = (kind: OurKind, concurrency: number): Measured =>
    entered(openOurs({ engine, driver, kind, concurrency }));
  const bare = async (concurrency: number): Promise<Measured> =>
    entered(await openBareBullMq({ redisUrl, concurrency }));
  const [bare50, bare100] = [await bare(50), await bare(100)];
  const [derived50, derived100, durable] = [ours('derived', 50), ours('derived', 100), ours('durable', 50)];
  const sides = [bare50, derived50, bare100, derived100, durable];
  const inHand = (concurrency: number) => ({ concurrency, reference: 'bare BullMQ worker, as many in hand' });
  return {
    sides,
    comparisons: [
      {
        name: 'BullMQ, derived jobs, 50 in hand',
        of: 'work',
        ours: derived50,
        bare: bare50,
        target: { of: 'ratio', atLeast: 0.95 },
        details: inHand(50),
      },
      {
        name: 'BullMQ, derived jobs, 100 in hand',
        of: 'work',
        ours: derived100,
        bare: bare100,
        target: null,
        details: inHand(100),
      },
      { name: 'BullMQ, durable jobs', of: 'work', ours: durable, bare: bare50, target: null, details: inHand(50) },
      {
        name: 'BullMQ, enqueue, singles at once',
        of: 'single',
        ours: durable,
        bare: bare50,
        target: null,
        details: { reference: 'bare add, only as durable as Redis' },
      },
      {
        name: 'BullMQ, enqueueMany of 1,000',
        of: 'many',
        ours: durable,
        bare: bare50,
        target: null,
        details: { reference: 'bare addBulk, only as durable as Redis' },
      },
    ],
    async close() {
      for (const { side } of sides) await side.close();
      await driver.stop();
    },
  };
}

async function compete(contests: readonly Contest[], sizes: Sizes, note: (text: string) => void) {
  const sides = contests.flatMap((contest) => contest.sides);
  note('warming up');
  for (const { side } of sides) await measureRound(side, { ...sizes, jobs: 1_000, singles: 200 });
  for (let round = 0; round < sizes.rounds; round++) {
    note(`round ${round + 1} of ${sizes.rounds}`);
    // There and back, so that whatever grows or warms in the course of a round favours nobody.
    for (const each of round % 2 === 0 ? sides : sides.toReversed())
      each.rounds.push(await measureRound(each.side, sizes));
  }
  return contests.flatMap(({ comparisons }) => comparisons.map((comparison) => figureOf(comparison, sizes)));
}

export const queue: BenchCase = {
  name: 'queue',
  async run(world, options: BenchOptions) {
    const engines = await openEngines(world, options);
    try {
      const contests: Contest[] = [];
      for (const engine of engines)
        contests.push(await (engine.engine === 'pgboss' ? openPgBoss(engine) : openBullMq(engine)));
      const figures = await compete(contests, options.quick ? QUICK : FULL, options.note);
      for (const contest of contests) await contest.close();
      return figures;
    } finally {
      for (const engine of engines) await engine.close();
    }
  },
};
