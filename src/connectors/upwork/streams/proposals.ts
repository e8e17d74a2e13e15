// The user's proposals. The API lists one status at a time, so a pass is eight lists, newest change first; a proposal
// that moves between two of them is seen twice or missed until the next pass, so the mark never passes the pass's start.

import { z } from 'zod';
import { HOUR_MS, MINUTE_MS } from '../../../core/duration.ts';
import { AppError } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi } from '../api.ts';
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

async function* readProposals(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const resumed = plan.cursor?.pass ?? null;
  const startedAt = resumed === null ? plan.until : new Date(resumed.startedAt);
  let newest = resumed?.newest ? new Date(resumed.newest) : null;
  const isWanted = keeps(plan, modifiedOf);
  let seen = 0;
  for (const [index, status] of STATUSES.entries()) {
    if (resumed !== null && index < STATUSES.indexOf(resumed.status)) continue;
    let after = resumed?.status === status ? resumed.after : null;
    const cursors = new Set(after === null ? [] : [after]);
    for (let last = false; !last;) {
      const { data, problems } = await api.query(listProposals, {
        filter: { status_eq: status },
        sort: { field: 'MODIFIEDDATETIME', sortOrder: 'DESC' },
        pagination: { first: PAGE_SIZE, ...(after === null ? {} : { after }) },
      });
      const instants = data.edges.map(modifiedOf);
      newest = instants.reduce(later, newest);
      seen += data.edges.length;
      const next = data.pageInfo?.endCursor ?? null;
      const older = plan.since !== null && instants.some((at) => at !== null && at < plan.since!);
      last = older || data.edges.length === 0 || data.pageInfo?.hasNextPage !== true;
      if (!last && (next === null || cursors.has(next))) {
        throw new AppError(
          'sync.cursor_stuck',
          `Upwork says that there are more proposals (${status}) but its cursor stays or comes again`,
        );
      }
      if (next !== null) cursors.add(next);
      after = last ? null : next;
      const following = last ? STATUSES[index + 1] : status;
      const mark =
        newest === null ? (plan.cursor?.mark ?? null) : (newest < startedAt ? newest : startedAt).toISOString();
      const { records, problems: lost } = recordsOf(data, 'proposals');
      yield {
        records: records.filter(isWanted),
        mode: { kind: 'upsert' },
        checkpoint:
          following === undefined
            ? { mark, pass: null }
            : {
                mark: plan.cursor?.mark ?? null,
                pass: {
                  status: following,
                  after,
                  newest: newest?.toISOString() ?? null,
                  startedAt: startedAt.toISOString(),
                },
              },
        progress: { done: seen, total: null },
        problems: [...problems, ...lost],
      };
    }
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
  typicalCost: 8,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: (cursor) => (cursor.mark === null ? null : new Date(cursor.mark)),
  read: readProposals,
  parse: parseProposal,
  keyOf: idOf,
});
