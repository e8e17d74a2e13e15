// The user's contracts, all of them in each pass: the search knows no date of change. For some accounts it gives nothing
// or refuses; the ids are then gathered from wherever they are named and asked for one batch at a time.

import { z } from 'zod';
import { HOUR_MS } from '../../../core/duration.ts';
import { AppError, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi, type UpworkApi } from '../api.ts';
import { gatherContractIds } from '../contract-ids.ts';
import { recordsOf } from '../queries.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { changedOf, parseContract } from '../schemas/contracts.ts';
import type { UpworkSettings } from '../settings.ts';
import { keeps } from '../window.ts';
import { listContracts, readVendor, searchContracts, type Vendor } from '../work-queries.ts';

const PAGE_SIZE = 50;
/** More ids at once come back cut off. */
const BATCH = 25;
/** For one person; a platform that never says an end is stopped here. */
const MAX_PAGES = 200;
const STATUSES = ['ACTIVE', 'PAUSED', 'CLOSED'] as const;

const cursorSchema = z.strictObject({ readAt: z.iso.datetime() });
type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

interface Batch {
  readonly contracts: readonly unknown[];
  readonly problems: readonly ErrorReport[];
}

/** Refusals that say nothing about the credential or the query: another way to the same contracts may be open. */
const REFUSED: ReadonlySet<string> = new Set(['platform.answer_invalid', 'platform.forbidden']);

async function* searched(api: UpworkApi, { organizationId }: Vendor): AsyncGenerator<Batch> {
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { data, problems } = await api.query(searchContracts, {
      filter: { vendorId: organizationId, contractStatuses: STATUSES },
      paging: { limit: PAGE_SIZE, offset: page * PAGE_SIZE, includeTotalCount: false },
    });
    if (data.length > 0) yield { contracts: data, problems };
    if (data.length < PAGE_SIZE) return;
  }
  throw endless();
}

async function* gathered(api: UpworkApi, vendor: Vendor, now: Date): AsyncGenerator<Batch> {
  const ids = await gatherContractIds(api, vendor, now);
  for (let at = 0; at < ids.length; at += BATCH) {
    const { data, problems } = await api.query(listContracts, { ids: ids.slice(at, at + BATCH) });
    yield { contracts: data, problems };
  }
}

function endless(): AppError {
  return new AppError('sync.cursor_stuck', `Upwork gave ${MAX_PAGES} pages of contracts and no end`);
}

async function* batches(api: UpworkApi, vendor: Vendor, now: Date): AsyncGenerator<Batch> {
  let found = 0;
  try {
    for await (const batch of searched(api, vendor)) {
      found += batch.contracts.length;
      yield batch;
    }
  } catch (error) {
    if (!(error instanceof AppError && REFUSED.has(error.code) && found === 0)) throw error;
  }
  if (found === 0) yield* gathered(api, vendor, now);
}

async function* readContracts(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const { data: vendor } = await api.query(readVendor, {});
  const isWanted = keeps(plan, changedOf);
  let done = 0;
  for await (const { contracts, problems } of batches(api, vendor, plan.until)) {
    const { records, problems: lost } = recordsOf({ edges: contracts }, 'contracts');
    done += contracts.length;
    yield {
      records: records.filter(isWanted),
      mode: { kind: 'upsert' },
      progress: { done, total: null },
      problems: [...problems, ...lost],
    };
  }
  // Of its own, because only now is it known that nothing follows.
  const checkpoint = { readAt: plan.until.toISOString() };
  yield { records: [], mode: { kind: 'upsert' }, checkpoint, progress: { done, total: done } };
}

export const contracts = defineStream<UpworkCredential, UpworkSettings, 'contract', Cursor>({
  name: 'contracts',
  kind: 'contract',
  owner: 'user',
  defaultIntervalMinutes: 6 * 60,
  fullEveryMs: null,
  lookbackMs: HOUR_MS,
  readAhead: true,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: (cursor) => new Date(cursor.readAt),
  read: readContracts,
  parse: parseContract,
  keyOf: idOf,
});
