// A shop on Wildberries, changed at random between and inside passes that break off and answers that fail: an undisturbed
// increment later each stream holds what the platform holds, row by row.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseExactJson } from '../../src/connectors/toolkit/exact-json.ts';
import { wildberries } from '../../src/connectors/wildberries/index.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Fault } from '../simulators/faults.ts';
import { createRandom } from '../simulators/random.ts';
import { holdingsOf } from '../simulators/wildberries/holdings.ts';
import { openShop } from '../simulators/wildberries/shop.ts';
import { createWildberriesSimulator, type WildberriesSimulator } from '../simulators/wildberries/simulator.ts';
import { rigContext } from '../support/connector-rig.ts';
import { createMirror, expectedRows } from '../support/mirror.ts';

const START = Date.parse('2026-10-01T12:00:00Z');
const RUNS = Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 25);
const STREAMS = wildberries.streams.map(({ name }) => name).filter((name) => name !== 'account');

const FAULTS: readonly Fault[] = [
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, headers: { 'x-ratelimit-retry': '30' } },
  { kind: 'reset' },
  { kind: 'reset-after-processing' },
  { kind: 'truncated-json' },
  { kind: 'html-403' },
];

const pass = fc.record({
  stream: fc.constantFrom(...STREAMS),
  maxPages: fc.option(fc.integer({ min: 1, max: 3 }), { nil: Infinity }),
  fault: fc.option(fc.record({ fault: fc.constantFrom(...FAULTS), after: fc.nat(3) }), { nil: null }),
  changes: fc.nat(6),
});

const rounds = fc.array(
  fc.record({
    minutes: fc.integer({ min: 1, max: 600 }),
    changes: fc.nat(25),
    passes: fc.array(pass, { maxLength: 12 }),
  }),
  { minLength: 1, maxLength: 3 },
);

let nowMs = START;
const now = (): Date => new Date(nowMs);
let sim: WildberriesSimulator;

beforeAll(async () => {
  sim = createWildberriesSimulator({ now });
  await sim.start();
});

afterAll(() => sim.stop());

test('every stream holds what the platform holds', async () => {
  const program = fc.asyncProperty(rounds, fc.nat(), async (schedule, seed) => {
    nowMs = START;
    sim.faults.clear();
    const { seller, credentials } = sim.addSeller();
    const shop = openShop({ seller, random: createRandom(seed), now });
    const mirror = createMirror(wildberries);
    const context = rigContext({ connector: wildberries, baseUrl: sim.baseUrl, credentials, now });
    shop.fill({ cards: 5, orders: 12 });
    for (const { minutes, changes, passes } of schedule) {
      nowMs += minutes * 60_000;
      shop.change(changes);
      for (const { stream, maxPages, fault, changes: more } of passes) {
        if (fault !== null) sim.faults.add({ match: {}, fault: fault.fault, times: 4, after: fault.after });
        await mirror.pass(stream, context, { maxPages }).catch(mayFail);
        sim.faults.clear();
        nowMs += 1_000;
        shop.change(more);
      }
    }
    nowMs += 60_000;
    for (const stream of STREAMS) {
      // What is left of a pass that broke off, and one that sees all that changed meanwhile.
      for (let again = 0; again < 2; again += 1) {
        const { quarantined } = await mirror.pass(stream, context);
        expect(quarantined, stream).toEqual([]);
      }
      const holdings = parseExactJson(JSON.stringify(holdingsOf(seller)[stream])) as unknown[];
      expect(mirror.stored(stream), stream).toEqual(expectedRows(wildberries, stream, holdings));
    }
  });
  await fc.assert(program, { numRuns: RUNS, endOnFailure: true });
}, 300_000);

/** What a fault does to a pass; anything else is a bug. */
function mayFail(error: unknown): void {
  const isExpected = error instanceof AppError && ['transient', 'rate_limited', 'scope'].includes(error.kind);
  if (!isExpected) throw error;
}
