// Clients' offers to the user, or to his organization: a list by number of page that says neither how many there are nor
// when one changed, so each pass reads it whole.

import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi } from '../api.ts';
import { recordsOf } from '../queries.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { parseOffer } from '../schemas/offers.ts';
import type { UpworkSettings } from '../settings.ts';
import { listOffers, readVendor } from '../work-queries.ts';

const PAGE_SIZE = 50;
const MAX_PAGES = 200;

const cursorSchema = z.strictObject({ readAt: z.iso.datetime() });
type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

async function* readOffers(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const { data: vendor } = await api.query(readVendor, {});
  const whose =
    context.settings.organization_id === undefined
      ? { id: vendor.userId, searchAttribute: 'VendorUser' }
      : { id: vendor.organizationId, searchAttribute: 'VendorOrg' };
  let done = 0;
  for (let page = 1; ; page += 1) {
    if (page > MAX_PAGES)
      throw new AppError('sync.cursor_stuck', `Upwork gave ${MAX_PAGES} pages of offers and no end`);
    const filter = { ...whose, limit: PAGE_SIZE, page, ascendingOrder: true };
    const { data, problems } = await api.query(listOffers, { filter });
    const { records, problems: lost } = recordsOf({ edges: data }, 'offers');
    const isLast = data.length < PAGE_SIZE;
    done += data.length;
    yield {
      records,
      mode: { kind: 'upsert' },
      ...(isLast ? { checkpoint: { readAt: plan.until.toISOString() } } : {}),
      progress: { done, total: isLast ? done : null },
      problems: [...problems, ...lost],
    };
    if (isLast) return;
  }
}

export const offers = defineStream<UpworkCredential, UpworkSettings, 'offer', Cursor>({
  name: 'offers',
  kind: 'offer',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: (cursor) => new Date(cursor.readAt),
  read: readOffers,
  parse: parseOffer,
  keyOf: idOf,
});
