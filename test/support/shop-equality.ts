// A shop changed at random between and inside passes that break off and answers that fail: an undisturbed increment later each
// stream holds what the platform holds, row by row.

import fc from 'fast-check';
import { expect } from 'vitest';
import { parseExactJson } from '../../src/connectors/toolkit/exact-json.ts';
import type { AnyConnector } from '../../src/connectors/contract/connector.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Fault, Faults } from '../simulators/faults.ts';
import { createRandom, type Random } from '../simulators/random.ts';
import { rigContext } from './connector-rig.ts';
import { createMirror, expectedRows } from './mirror.ts';

/** A simulated platform with one shop of its own for each program. */
export interface ShopPlatform {
  readonly connector: AnyConnector;
  readonly baseUrl: string;
  readonly faults: Faults;
  /** How the platform says "slow down". */
  readonly slowDown: Fault;
  open(random: Random): {
    readonly credentials: unknown;
    readonly settings?: unknown;
    change(times: number): void;
    /** By stream, as JSON that an answer would carry; absent: what a first pass of nobody's disturbing finds. */
    holdings?(): Readonly<Record<string, readonly unknown[]>>;
  };
}

export interface Turned {
  ms: number;
}

const START = Date.parse('2026-10-01T12:00:00Z');
/** More programs for a long look: `TIDEMARK_PROPERTY_RUNS=200`. */
const RUNS = Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 25);

function roundsOf(streams: readonly string[], faults: readonly Fault[]) {
  const pass = fc.record({
    stream: fc.constantFrom(...streams),
    maxPages: fc.option(fc.integer({ min: 1, max: 3 }), { nil: Infinity }),
    fault: fc.option(fc.record({ fault: fc.constantFrom(...faults), after: fc.nat(3) }), { nil: null }),
    changes: fc.nat(6),
  });
  const round = fc.record({
    minutes: fc.integer({ min: 1, max: 600 }),
    changes: fc.nat(25),
    passes: fc.array(pass, { maxLength: 12 }),
  });
  return fc.array(round, { minLength: 1, maxLength: 3 });
}

/** What a fault does to a pass; anything else is a bug. */
function mayFail(error: unknown): void {
  const kinds = ['transient', 'rate_limited', 'scope', 'stale_cursor'];
  if (!(error instanceof AppError) || !kinds.includes(error.kind)) throw error;
}

/** `clock` is the platform's too. */
export async function provesEquality(platform: ShopPlatform, clock: Turned): Promise<void> {
  const { connector, baseUrl, faults, slowDown } = platform;
  const streams = connector.streams.map(({ name }) => name).filter((name) => name !== 'account');
  const kinds = ['reset', 'reset-after-processing', 'truncated-json', 'html-403'] as const;
  const all: Fault[] = [{ kind: 'status', status: 503 }, slowDown, ...kinds.map((kind) => ({ kind }))];
  const now = (): Date => new Date(clock.ms);
  const program = fc.asyncProperty(roundsOf(streams, all), fc.nat(), async (schedule, seed) => {
    clock.ms = START;
    faults.clear();
    const shop = platform.open(createRandom(seed));
    const mirror = createMirror(connector);
    const context = rigContext({ connector, baseUrl, credentials: shop.credentials, settings: shop.settings, now });
    for (const { minutes, changes, passes } of schedule) {
      clock.ms += minutes * 60_000;
      shop.change(changes);
      for (const { stream, maxPages, fault, changes: more } of passes) {
        if (fault !== null) faults.add({ match: {}, fault: fault.fault, times: 4, after: fault.after });
        await mirror.pass(stream, context, { maxPages }).catch(mayFail);
        faults.clear();
        clock.ms += 1_000;
        shop.change(more);
      }
    }
    clock.ms += 60_000;
    const expected = async (stream: string): Promise<ReadonlyMap<string, string>> => {
      if (shop.holdings !== undefined) {
        const holdings = parseExactJson(JSON.stringify(shop.holdings()[stream])) as unknown[];
        return expectedRows(connector, stream, holdings);
      }
      const first = createMirror(connector);
      await first.pass(stream, context);
      return first.stored(stream);
    };
    for (const stream of streams) {
      // What is left of a pass that broke off, and one that sees all that changed meanwhile.
      for (let again = 0; again < 2; again += 1) {
        const { quarantined } = await mirror.pass(stream, context);
        expect(quarantined, stream).toEqual([]);
      }
      expect(mirror.stored(stream), stream).toEqual(await expected(stream));
    }
  });
  await fc.assert(program, { numRuns: RUNS, endOnFailure: true });
}
