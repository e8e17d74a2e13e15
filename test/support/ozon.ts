// The Ozon connector against a simulated Ozon without the engine: the simulator at a fixed day, and passes over its streams.

import { ozon } from '../../src/connectors/ozon/index.ts';
import type { Plan, ReadContext } from '../../src/connectors/contract/stream.ts';
import { createOzonSimulator, type OzonSimulator, type OzonSimulatorOptions } from '../simulators/ozon/simulator.ts';
import type { AddedSeller, NewSeller } from '../simulators/ozon/sellers.ts';
import { readPass, rigContext, streamOf, type Pass } from './connector-rig.ts';

export const OZON_NOW = new Date('2026-10-15T09:00:00Z');

/** These tests ask as fast as they can; those about limits set them. */
const UNLIMITED = 1_000_000;

export interface OzonWorld {
  readonly sim: OzonSimulator;
  readonly seller: AddedSeller;
  readonly clientId: string;
  /** The platform's clock and the worker's; may be turned. */
  now: Date;
  context(settings?: unknown): ReadContext<unknown, unknown>;
  read(stream: string, over?: Partial<Plan<unknown>>, settings?: unknown): Promise<Pass>;
  /** Parsed records of a pass, in order. */
  parsed(stream: string, pass: Pass): readonly unknown[];
  /** Requests that `work` took, by path. */
  costOf(work: () => Promise<unknown>): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

/** A started simulator with one seller. */
export async function startOzon(options: OzonSimulatorOptions = {}, newSeller: NewSeller = {}): Promise<OzonWorld> {
  let now = OZON_NOW;
  const sim = createOzonSimulator({ now: () => now, limits: { perSecond: UNLIMITED }, ...options });
  const seller = sim.addSeller(newSeller);
  await sim.start();
  const context = (settings: unknown = {}): ReadContext<unknown, unknown> =>
    rigContext({
      connector: ozon,
      baseUrl: sim.baseUrl,
      credentials: seller.credentials,
      settings,
      now: () => now,
    });
  return {
    sim,
    seller,
    clientId: seller.seller.clientId,
    get now() {
      return now;
    },
    set now(at) {
      now = at;
    },
    context,
    read: (stream, over = {}, settings = {}) => readPass(streamOf(ozon, stream), context(settings), over),
    parsed: (name, { pages }) => {
      const stream = streamOf(ozon, name);
      return pages.flatMap(({ records }) => records.map((raw) => stream.parse(raw)));
    },
    async costOf(work) {
      const since = sim.journal.lastSeq;
      await work();
      const entries = sim.journal.entries.filter(({ seq }) => seq > since);
      return Object.fromEntries(
        [...Map.groupBy(entries, ({ path }) => path)].map(([path, each]) => [path, each.length]),
      );
    },
    stop: () => sim.stop(),
  };
}
