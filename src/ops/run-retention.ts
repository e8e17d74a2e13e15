// Retention because a person asks: what would go, read in each user's own scope, and passes by workers that somebody waits
// for. This side may not delete a copy.

import { z } from 'zod';
import { sleep } from '../core/async.ts';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { PLATFORM_IDS, type PlatformId } from '../core/platforms.ts';
import type { Database, Tx } from '../db/database.ts';
import { listIntegrations, type Integration } from '../store/integrations.ts';
import { countExpired, countExpiredRaw, RAW_TABLE } from '../store/retention.ts';
import type { JobQueue, JobView } from '../../queues/port.ts';
import { addErased, type ErasedRows, type PlatformCache } from './expired-copies.ts';

export interface Measured {
  readonly rows: readonly ErasedRows[];
  /** Users who have something that would go. */
  readonly userIds: readonly string[];
}

export interface Passed {
  readonly rows: readonly ErasedRows[];
  /** Users whose pass no worker ended in time, or not well. */
  readonly unfinished: number;
}

/** What the job `maintenance.retention` leaves as its result. */
const resultSchema = z.object({
  erased: z.array(z.object({ platform: z.enum(PLATFORM_IDS), table: z.string(), rows: z.int() })),
});

const PAGE = 1_000;
/** Jobs asked for and waited for at once. */
const GROUP = 200;
const LOOK_EVERY_MS = 200;
/** Without any pass that ends, nobody is there to do them. */
const PATIENCE_MS = 30 * SECOND_MS;

async function* accountsOn(api: Database, platformId: PlatformId): AsyncGenerator<Integration> {
  for (let after: string | undefined; ;) {
    const page = await api.tx({ kind: 'ops' }, (tx) =>
      listIntegrations(tx, { platformId, limit: PAGE, ...(after === undefined ? {} : { after }) }),
    );
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}

async function measureAccount(tx: Tx, { id, userId }: Integration, cache: PlatformCache): Promise<ErasedRows[]> {
  const { platform, before, streams, tables } = cache;
  const expired = { userId, integrationId: id, before };
  const rows: ErasedRows[] = [];
  for (const table of tables)
    rows.push({ platform, table: table.name, rows: await countExpired(tx, { ...expired, table }) });
  rows.push({ platform, table: RAW_TABLE, rows: await countExpiredRaw(tx, { ...expired, streams }) });
  return rows;
}

/** Counts what a pass over all users would erase now; changes nothing. */
export async function measureCopies(
  api: Database,
  caches: readonly PlatformCache[],
  signal: AbortSignal,
): Promise<Measured> {
  const userIds = new Set<string>();
  // Every table is told, also when it has nothing.
  let rows = addErased(
    caches.flatMap(({ platform, tables }) =>
      [...tables.map(({ name }) => name), RAW_TABLE].map((table) => ({ platform, table, rows: 0 })),
    ),
  );
  for (const cache of caches) {
    for await (const account of accountsOn(api, cache.platform)) {
      signal.throwIfAborted();
      const { userId } = account;
      const found = await api.tx({ kind: 'user', userId }, (tx) => measureAccount(tx, account, cache));
      if (found.some((part) => part.rows > 0)) userIds.add(userId);
      rows = addErased([...rows, ...found]);
    }
  }
  return { rows, userIds: [...userIds] };
}

export interface PassDeps {
  readonly queue: Pick<JobQueue, 'enqueueMany' | 'get'>;
  readonly clock: Clock;
}

const ENDED: ReadonlySet<JobView['state']> = new Set(['completed', 'failed', 'dead', 'cancelled']);

/** Asks for a pass of each user and waits for their ends. */
export async function runPasses(deps: PassDeps, userIds: readonly string[], signal: AbortSignal): Promise<Passed> {
  const rows: ErasedRows[] = [];
  let unfinished = 0;
  for (let at = 0; at < userIds.length; at += GROUP) {
    const { ended, left } = await runGroup(deps, userIds.slice(at, at + GROUP), signal);
    const results = ended.map(({ result }) => resultSchema.safeParse(result).data);
    rows.push(...results.flatMap((result) => result?.erased ?? []));
    unfinished += left + results.filter((result) => result === undefined).length;
  }
  return { rows: addErased(rows), unfinished };
}

async function runGroup(
  { queue, clock }: PassDeps,
  userIds: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly ended: readonly JobView[]; readonly left: number }> {
  const jobs = await queue.enqueueMany(
    userIds.map((userId) => ({
      kind: 'maintenance.retention',
      payload: { userId },
      uniqueKey: userId,
      userId,
      workClass: 'interactive',
    })),
  );
  const open = new Set(jobs.map(({ jobId }) => jobId));
  const ended: JobView[] = [];
  for (let giveUpAt = clock.mono() + PATIENCE_MS; open.size > 0 && clock.mono() < giveUpAt;) {
    for (const jobId of open) {
      const job = await queue.get(jobId);
      if (job === null || !ENDED.has(job.state)) continue;
      open.delete(jobId);
      ended.push(job);
      giveUpAt = clock.mono() + PATIENCE_MS;
    }
    if (open.size > 0) await sleep(LOOK_EVERY_MS, signal);
  }
  return { ended, left: open.size };
}
