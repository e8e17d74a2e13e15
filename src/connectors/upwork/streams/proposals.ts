// The user's proposals. The API lists one status at a time, so a pass is eight lists, newest change first; a proposal
// that moves between two of them is seen twice or missed until the next pass, so the mark never passes the pass's start.

import { z } from 'zod';
import { HOUR_MS, MINUTE_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi, type UpworkApi } from '../api.ts';
import { readLists, type Lists } from '../lists.ts';
import { pagination } from '../pages.ts';
import { listProposals, listProposalsAtOnce, recordsOf } from '../queries.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { modifiedOf, parseProposal } from '../schemas/proposals.ts';
import type { UpworkSettings } from '../settings.ts';
import { keeps } from '../window.ts';

/** More than 40 is refused with VJCA-6. */
const PAGE_SIZE = 40;
const LOOKBACK_MS = 10 * MINUTE_MS;
const NEWEST_FIRST = { field: 'MODIFIEDDATETIME', sortOrder: 'DESC' };

const STATUSES = ['Accepted', 'Declined', 'Withdrawn', 'Offered', 'Activated', 'Archived', 'Hired', 'Pending'] as const;
const FIRST_PAGES = listProposalsAtOnce(STATUSES.length);

const cursorSchema = z.strictObject({
  /** Every change before this instant is stored; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  pass: z
    .strictObject({
      status: z.enum(STATUSES),
      after: z.string().nullable(),
      newest: z.iso.datetime().nullable(),
      startedAt: z.iso.datetime(),
    })
    .nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

function later(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}

function listsOf(api: UpworkApi, since: Date | null): Lists {
  return {
    what: 'proposals',
    count: STATUSES.length,
    firstPages: () =>
      api.query(FIRST_PAGES, {
        ...Object.fromEntries(STATUSES.map((status, list) => [`filter${list}`, { status_eq: status }])),
        sort: NEWEST_FIRST,
        pagination: pagination(PAGE_SIZE, null),
      }),
    page: (list, after) =>
      api.query(listProposals, {
        filter: { status_eq: STATUSES[list] },
        sort: NEWEST_FIRST,
        pagination: pagination(PAGE_SIZE, after),
      }),
    isEnough: ({ edges }) =>
      since !== null &&
      edges.some((node) => {
        const at = modifiedOf(node);
        return at !== null && at < since;
      }),
  };
}

async function* readProposals(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const resumed = plan.cursor?.pass ?? null;
  const mark = plan.cursor?.mark ?? null;
  const startedAt = resumed === null ? plan.until : new Date(resumed.startedAt);
  const from = resumed === null ? null : { list: STATUSES.indexOf(resumed.status), after: resumed.after };
  const isWanted = keeps(plan, modifiedOf);
  let newest = resumed?.newest ? new Date(resumed.newest) : null;
  let done = 0;
  for await (const { pages, problems, next } of readLists(listsOf(createUpworkApi(context), plan.since), from)) {
    const edges = pages.flatMap((page) => page.edges);
    const { records, problems: lost } = recordsOf({ edges }, 'proposals');
    newest = edges.map(modifiedOf).reduce(later, newest);
    done += edges.length;
    yield {
      records: records.filter(isWanted),
      mode: { kind: 'upsert' },
      checkpoint:
        next === null
          ? { mark: newest === null ? mark : earlier(newest, startedAt).toISOString(), pass: null }
          : {
              mark,
              pass: {
                status: STATUSES[next.list]!,
                after: next.after,
                newest: newest?.toISOString() ?? null,
                startedAt: startedAt.toISOString(),
              },
            },
      progress: { done, total: null },
      problems: [...problems, ...lost],
    };
  }
}

export const proposals = defineStream<UpworkCredential, UpworkSettings, 'proposal', Cursor>({
  name: 'proposals',
  kind: 'proposal',
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: 7 * 24 * HOUR_MS,
  lookbackMs: LOOKBACK_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: (cursor) => (cursor.mark === null ? null : new Date(cursor.mark)),
  read: readProposals,
  parse: parseProposal,
  keyOf: idOf,
});
