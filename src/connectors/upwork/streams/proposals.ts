// The user's proposals. The API lists one status at a time, so a pass is eight lists, newest change first; a proposal
// that moves between two of them is seen twice or missed until the next pass, so the mark never passes the pass's start.

import { z } from 'zod';
import { HOUR_MS, MINUTE_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi } from '../api.ts';
import { listPages, pagination } from '../pages.ts';
import { listProposals, recordsOf } from '../queries.ts';
import { idOf } from '../schemas/parse.ts';
import { modifiedOf, parseProposal } from '../schemas/proposals.ts';
import type { UpworkSettings } from '../settings.ts';
import { keeps } from '../window.ts';

/** More than 40 is refused with VJCA-6. */
const PAGE_SIZE = 40;
const LOOKBACK_MS = 10 * MINUTE_MS;

const STATUSES = ['Accepted', 'Declined', 'Withdrawn', 'Offered', 'Activated', 'Archived', 'Hired', 'Pending'] as const;

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

function isBefore(at: Date | null, since: Date | null): boolean {
  return at !== null && since !== null && at < since;
}

async function* readProposals(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const resumed = plan.cursor?.pass ?? null;
  const mark = plan.cursor?.mark ?? null;
  const startedAt = resumed === null ? plan.until : new Date(resumed.startedAt);
  const isWanted = keeps(plan, modifiedOf);
  let newest = resumed?.newest ? new Date(resumed.newest) : null;
  let done = 0;
  for (const [index, status] of STATUSES.entries()) {
    if (resumed !== null && index < STATUSES.indexOf(resumed.status)) continue;
    const pages = listPages(`proposals (${status})`, resumed?.status === status ? resumed.after : null, (after) =>
      api.query(listProposals, {
        filter: { status_eq: status },
        sort: { field: 'MODIFIEDDATETIME', sortOrder: 'DESC' },
        pagination: pagination(PAGE_SIZE, after),
      }),
    );
    for await (const { data, problems, ...page } of pages) {
      const instants = data.edges.map(modifiedOf);
      newest = instants.reduce(later, newest);
      done += data.edges.length;
      const isEnough = page.isLast || instants.some((at) => isBefore(at, plan.since));
      const following = isEnough ? STATUSES[index + 1] : status;
      const { records, problems: lost } = recordsOf(data, 'proposals');
      yield {
        records: records.filter(isWanted),
        mode: { kind: 'upsert' },
        checkpoint:
          following === undefined
            ? { mark: newest === null ? mark : earlier(newest, startedAt).toISOString(), pass: null }
            : {
                mark,
                pass: {
                  status: following,
                  after: isEnough ? null : page.next,
                  newest: newest?.toISOString() ?? null,
                  startedAt: startedAt.toISOString(),
                },
              },
        progress: { done, total: null },
        problems: [...problems, ...lost],
      };
      if (isEnough) break;
    }
  }
}

export const proposals = defineStream<UpworkCredential, UpworkSettings, 'proposal', Cursor>({
  name: 'proposals',
  kind: 'proposal',
  defaultIntervalMinutes: 30,
  fullEveryMs: 7 * 24 * HOUR_MS,
  lookbackMs: LOOKBACK_MS,
  readAhead: true,
  typicalCost: 8,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: (cursor) => (cursor.mark === null ? null : new Date(cursor.mark)),
  read: readProposals,
  parse: parseProposal,
  keyOf: idOf,
});
