// The jobs stream against a platform that changes between and inside its passes, which break off at any page and go on
// from a stored checkpoint: whatever happened, an increment and a full pass later nothing is missing and nothing is old.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plan, ReadContext } from '../../src/connectors/contract/stream.ts';
import { parsePosting } from '../../src/connectors/upwork/schemas/postings.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import type { Posting } from '../simulators/upwork/model.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { contextOf, streamNamed } from '../support/upwork.ts';

const stream = streamNamed('jobs');
const START = Date.parse('2026-10-01T12:00:00Z');
/** What is open and what is not, so that a pass has a second search to go on with. */
const SEARCHES = {
  saved_searches: [
    { name: 'fixed', job_type: 'fixed' },
    { name: 'hourly', job_type: 'hourly' },
  ],
};

type Change =
  | { readonly kind: 'new'; readonly count: number }
  | { readonly kind: 'renewed' | 'closed'; readonly pick: number }
  | { readonly kind: 'wait'; readonly minutes: number };

interface Step {
  readonly changes: readonly Change[];
  /** Pages of the pass before it breaks off. */
  readonly pages: number;
  /** What changes after each page. */
  readonly between: readonly Change[];
}

const news = fc.record({ kind: fc.constant('new' as const), count: fc.integer({ min: 1, max: 8 }) });
const renewal = fc.record({ kind: fc.constant('renewed' as const), pick: fc.nat() });
const closing = fc.record({ kind: fc.constant('closed' as const), pick: fc.nat() });
const wait = fc.record({ kind: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 180 }) });

function steps(change: fc.Arbitrary<Change>): fc.Arbitrary<Step[]> {
  const step = fc.record({
    changes: fc.array(change, { maxLength: 6 }),
    pages: fc.integer({ min: 1, max: 8 }),
    between: fc.array(change, { maxLength: 8 }),
  });
  return fc.array(step, { maxLength: 6 });
}

let clockMs = START;
let sim: UpworkSimulator;
let context: ReadContext<unknown, unknown>;
let added = 0;

beforeAll(async () => {
  sim = createUpworkSimulator({ now: () => new Date(clockMs), traps: { fixedSearchPageSize: 10 } });
  await sim.start();
});
afterAll(() => sim.stop());

function publish(count: number): void {
  sim.state.addPostings(
    generatePostings({ count, seed: added + 1, firstNumber: added + 1, newest: new Date(clockMs) }),
  );
  added += count;
}

const openPostings = (): Posting[] => [...sim.state.postings.values()].filter(({ status }) => status === 'ACTIVE');

function apply(change: Change): void {
  if (change.kind === 'wait') clockMs += change.minutes * MINUTE_MS;
  else if (change.kind === 'new') publish(change.count);
  else {
    const open = openPostings();
    const picked = open[change.pick % Math.max(1, open.length)];
    if (picked === undefined) return;
    clockMs += 1_000;
    if (change.kind === 'renewed') sim.state.renewPosting(picked.id);
    else sim.state.closePosting(picked.id);
  }
}

/** A fresh platform with 45 postings. */
function reset(): void {
  clockMs = START;
  added = 0;
  for (const id of sim.state.postings.keys()) sim.state.removePosting(id);
  publish(45);
  context = contextOf(sim, sim.addAccount(), SEARCHES);
}

class Reader {
  readonly updatedAt = new Map<string, number>();
  cursor: unknown = null;

  /** One pass as the engine plans it; `fromStart` is a full one. Leaves the cursor as the database would give it back. */
  async pass({ pages = Infinity, between = [], fromStart = false }: Partial<Step> & { fromStart?: boolean } = {}) {
    if (fromStart) this.cursor = null;
    const mark = this.cursor === null ? null : stream.highWaterMark(this.cursor);
    const since = mark === null ? null : new Date(mark.getTime() - stream.lookbackMs);
    const type = since === null ? 'full' : 'incremental';
    const plan: Plan<unknown> = { type, cursor: this.cursor, since, until: new Date(clockMs) };
    let read = 0;
    for await (const page of stream.read(plan, context)) {
      for (const raw of page.records) {
        const { upworkJobId, sourceUpdatedAt } = parsePosting(raw);
        this.updatedAt.set(upworkJobId, sourceUpdatedAt?.getTime() ?? 0);
      }
      this.cursor = stream.cursor.schema.parse(JSON.parse(JSON.stringify(page.checkpoint)));
      const change = between[read++];
      if (change !== undefined) apply(change);
      if (read >= pages) break;
    }
  }

  /** Goes on until no pass is in hand, then reads what is new. */
  async settle(): Promise<void> {
    await this.pass();
    await this.pass();
    expect(this.cursor).toMatchObject({ pass: null });
  }

  expectAll(): void {
    const open = openPostings().map(({ id, renewedAt, publishedAt }) => [id, (renewedAt ?? publishedAt).getTime()]);
    const held = open.map(([id]) => [id, this.updatedAt.get(String(id))]);
    expect(held).toEqual(open);
  }
}

test('after news, renewals, closings and broken passes, an increment and a full pass bring every posting as it is', async () => {
  await fc.assert(
    fc.asyncProperty(steps(fc.oneof(news, renewal, closing, wait)), async (plan) => {
      reset();
      const reader = new Reader();
      for (const step of plan) {
        step.changes.forEach(apply);
        await reader.pass(step);
      }
      await reader.settle();
      await reader.pass({ fromStart: true });
      reader.expectAll();
    }),
    { numRuns: 40 },
  );
}, 90_000);

test('increments alone leave no hole, behind a pass that broke off or between pages that moved', async () => {
  await fc.assert(
    fc.asyncProperty(steps(fc.oneof(news, renewal, closing, wait)), async (plan) => {
      reset();
      const reader = new Reader();
      for (const step of plan) {
        step.changes.forEach(apply);
        await reader.pass(step);
      }
      await reader.settle();
      reader.expectAll();
    }),
    { numRuns: 40 },
  );
}, 90_000);
