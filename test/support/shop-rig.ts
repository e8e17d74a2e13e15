// One shop on a simulated marketplace, and its connector beside it: passes, what they cost, and what they say.

import type { AnyConnector } from '../../src/connectors/contract/connector.ts';
import type { Plan, ReadContext } from '../../src/connectors/contract/stream.ts';
import { AppError } from '../../src/core/errors.ts';
import type { AnyRecord } from '../../src/store/record-tables/tables.ts';
import type { Governor } from '../../src/limits/governor.ts';
import type { Journal } from '../simulators/journal.ts';
import { readPass, rigContext, streamOf, type Pass } from './connector-rig.ts';
import { createMirror, type Mirror } from './mirror.ts';

export interface ShopRig {
  readonly context: ReadContext<unknown, unknown>;
  readonly mirror: Mirror;
  /** A pass by itself: full without a cursor. */
  read(stream: string, over?: Partial<Plan<unknown>>): Promise<Pass>;
  /** A pass over the mirror; the requests that it took. */
  cost(stream: string): Promise<number>;
  /** A raw record as its stream reads it. */
  parse(stream: string, raw: unknown): AnyRecord;
  /** What a pass throws. Fails when it does not. */
  failure(stream: string): Promise<AppError>;
}

export interface ShopRigOptions {
  readonly connector: AnyConnector;
  readonly sim: { readonly baseUrl: string; readonly journal: Journal };
  readonly credentials: unknown;
  readonly settings?: unknown;
  readonly now: () => Date;
  readonly governor?: Governor;
}

export function createShopRig({ connector, sim, ...options }: ShopRigOptions): ShopRig {
  const context = rigContext({ connector, baseUrl: sim.baseUrl, ...options });
  const mirror = createMirror(connector);
  const read = (stream: string, over?: Partial<Plan<unknown>>): Promise<Pass> =>
    readPass(streamOf(connector, stream), context, over);
  return {
    context,
    mirror,
    read,
    async cost(stream) {
      const before = sim.journal.total;
      await mirror.pass(stream, context);
      return sim.journal.total - before;
    },
    parse: (stream, raw) => streamOf(connector, stream).parse(raw),
    async failure(stream) {
      const thrown: unknown = await read(stream).catch((error: unknown) => error);
      if (thrown instanceof AppError) return thrown;
      throw new Error(`expected ${stream} to fail`, { cause: thrown });
    },
  };
}
