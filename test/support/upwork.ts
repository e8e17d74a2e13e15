// The Upwork connector against a simulated Upwork without the engine: a read context with a plain credential, and a pass
// over one stream with everything it yielded.

import type { AnyStream, OAuthApp } from '../../src/connectors/contract/connector.ts';
import type { CredentialAccess, Page, Plan, ReadContext } from '../../src/connectors/contract/stream.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { ErrorReport } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { createHttpClient } from '../../src/http/client.ts';
import { createEgressPolicy } from '../../src/http/egress.ts';
import type { HttpClient } from '../../src/http/http-client.ts';
import type { Governor } from '../../src/limits/governor.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';

/** Grants everything: these tests are about what is asked, not how often. */
export const OPEN_GOVERNOR: Governor = {
  take: async () => ({ granted: true, waitMs: 0 }),
  settle: async () => undefined,
  learn: async () => undefined,
  park: async () => undefined,
};

export function upworkHttp(sim: Pick<UpworkSimulator, 'baseUrl'>, governor: Governor = OPEN_GOVERNOR): HttpClient {
  const httpFor = createHttpClient({
    governor,
    egress: createEgressPolicy(),
    clock: systemClock,
    log: silentLog,
    baseUrls: { upwork: sim.baseUrl },
    userAgent: 'tidemark-test',
    random: () => 0,
  });
  return httpFor({ platform: 'upwork', workClass: 'interactive', allowedHosts: upwork.allowedHosts });
}

export function appOf({ app }: AddedAccount): OAuthApp {
  return { clientId: app.clientId, clientSecret: new Secret(app.clientSecret) };
}

/** The account's own token; a 401 is answered by one refresh. */
function credentialOf(http: HttpClient, added: AddedAccount): CredentialAccess<unknown> {
  let held = new Secret<unknown>(added.credentials);
  return {
    current: async () => held,
    async renew() {
      if (upwork.auth.kind !== 'oauth2') throw new Error('expected OAuth');
      const signal = new AbortController().signal;
      const context = { credential: held, app: appOf(added), http, signal, now: new Date(), egressId: 'test' };
      held = new Secret(await upwork.auth.refresh(context));
      return held;
    },
  };
}

export function contextOf(
  sim: UpworkSimulator,
  added: AddedAccount,
  settings: unknown = {},
  governor: Governor = OPEN_GOVERNOR,
): ReadContext<unknown, unknown> {
  const http = upworkHttp(sim, governor);
  return {
    http,
    credential: credentialOf(http, added),
    settings: upwork.settings.parse({ organization_id: added.organizationId, ...(settings as object) }),
    clock: systemClock,
    signal: new AbortController().signal,
    log: silentLog,
    egressId: 'test',
  };
}

export function streamNamed(name: string): AnyStream<unknown, unknown> {
  const stream = upwork.streams.find((candidate) => candidate.name === name);
  if (stream === undefined) throw new Error(`no stream ${name}`);
  return stream;
}

export interface Pass {
  /** Raw records by key, the last one of each. */
  readonly records: ReadonlyMap<string, unknown>;
  readonly pages: readonly Page<unknown>[];
  readonly problems: readonly ErrorReport[];
  readonly cursor: unknown;
}

/** Reads a stream to its end: everything without a cursor, else what changed since its high-water mark. */
export async function readAll(
  name: string,
  context: ReadContext<unknown, unknown>,
  cursor: unknown = null,
  until = new Date(),
): Promise<Pass> {
  const stream = streamNamed(name);
  const mark = cursor === null ? null : stream.highWaterMark(cursor);
  const since = mark === null ? null : new Date(mark.getTime() - stream.lookbackMs);
  const plan: Plan<unknown> = { type: since === null ? 'full' : 'incremental', cursor, since, until };
  const pages: Page<unknown>[] = [];
  for await (const page of stream.read(plan, context)) pages.push(page);
  const records = pages.flatMap((page) => page.records);
  return {
    records: new Map(records.map((record) => [stream.keyOf(record) ?? '', record])),
    pages,
    problems: pages.flatMap((page) => page.problems ?? []),
    // As it would come back from the database.
    cursor: stream.cursor.schema.parse(JSON.parse(JSON.stringify(pages.at(-1)?.checkpoint ?? cursor))),
  };
}
