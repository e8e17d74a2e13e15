// A connector against a simulated platform without the engine: a read context with a plain credential, and a pass over one
// stream with everything that it yielded.

import type { AnyConnector, AnyStream } from '../../src/connectors/contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../src/connectors/contract/stream.ts';
import { systemClock } from '../../src/core/clock.ts';
import { AppError, type ErrorReport } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { createHttpClient } from '../../src/http/client.ts';
import { createEgressPolicy } from '../../src/http/egress.ts';
import type { Governor } from '../../src/limits/governor.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';

/** Grants everything: most tests are about what is asked, not how often. */
export const OPEN_GOVERNOR: Governor = {
  take: async () => ({ granted: true, waitMs: 0 }),
  settle: async () => undefined,
  learn: async () => undefined,
  park: async () => undefined,
};

export interface RigOptions {
  readonly connector: AnyConnector;
  readonly baseUrl: string;
  readonly credentials: unknown;
  readonly settings?: unknown;
  readonly governor?: Governor;
  readonly now?: () => Date;
}

/** A context for the streams of a connector whose credential is static. */
export function rigContext({ connector, ...options }: RigOptions): ReadContext<unknown, unknown> {
  const clock = options.now === undefined ? systemClock : { ...systemClock, now: options.now };
  const httpFor = createHttpClient({
    governor: options.governor ?? OPEN_GOVERNOR,
    egress: createEgressPolicy(),
    clock,
    log: silentLog,
    baseUrls: { [connector.platform]: options.baseUrl },
    userAgent: 'tidemark-test',
    random: () => 0,
  });
  const secret = new Secret<unknown>(connector.credential.parse(options.credentials));
  return {
    http: httpFor({ platform: connector.platform, workClass: 'interactive', allowedHosts: connector.allowedHosts }),
    credential: {
      current: async () => secret,
      renew: async () => {
        throw new AppError('platform.unauthorized', 'the platform refused the credential');
      },
    },
    settings: connector.settings.parse(options.settings ?? {}),
    clock,
    signal: new AbortController().signal,
    log: silentLog,
    egressId: 'test',
  };
}

export function streamOf({ streams }: AnyConnector, name: string): AnyStream<unknown, unknown> {
  const stream = streams.find((candidate) => candidate.name === name);
  if (stream === undefined) throw new Error(`no stream ${name}`);
  return stream;
}

export interface Pass {
  /** Raw records by key, the last one of each. */
  readonly records: ReadonlyMap<string, unknown>;
  readonly pages: readonly Page<unknown>[];
  readonly problems: readonly ErrorReport[];
  /** Of the last page that had one, as it would come back from the database. */
  readonly cursor: unknown;
}

/** Reads a stream to its end: everything without a cursor, else what changed since its high-water mark. */
export async function readPass(
  stream: AnyStream<unknown, unknown>,
  context: ReadContext<unknown, unknown>,
  over: Partial<Plan<unknown>> = {},
): Promise<Pass> {
  const cursor = over.cursor ?? null;
  const mark = cursor === null ? null : stream.highWaterMark(cursor);
  const since = mark === null ? null : new Date(mark.getTime() - stream.lookbackMs);
  const type = since === null ? 'full' : 'incremental';
  const plan: Plan<unknown> = { type, since, until: context.clock.now(), ...over, cursor };
  const pages: Page<unknown>[] = [];
  for await (const page of stream.read(plan, context)) pages.push(page);
  const left = pages.findLast(({ checkpoint }) => checkpoint !== undefined)?.checkpoint ?? cursor;
  return {
    records: new Map(pages.flatMap(({ records }) => records.map((raw) => [stream.keyOf(raw) ?? '', raw] as const))),
    pages,
    problems: pages.flatMap(({ problems }) => problems ?? []),
    cursor: left === null ? null : stream.cursor.schema.parse(JSON.parse(JSON.stringify(left))),
  };
}
