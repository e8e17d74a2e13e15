// The platform's own counts: fields of the account's node, each with a syntax, a word for "by day" and a nesting of its own. They
// answer alike here: data points, and the cursor of the next page.

import { z } from 'zod';
import { SECOND_MS } from '../../core/duration.ts';
import type { MessagingAnalyticsRecord } from '../../core/records.ts';
import type { TimeWindow } from '../toolkit/windows.ts';
import type { GraphApi } from './api.ts';
import { followPages, pagingSchema, type ListPage } from './lists.ts';

export interface Report {
  readonly report: MessagingAnalyticsRecord['report'];
  readonly field: string;
  /** "By day", as this report spells it. */
  readonly granularity: 'DAY' | 'DAILY';
  /** What follows the period, `.dimensions(…)`; empty: nothing. */
  readonly rest: string;
}

const list = (words: readonly string[]): string => JSON.stringify(words);

export const MESSAGING: Report = { report: 'messaging', field: 'analytics', granularity: 'DAY', rest: '' };

export const CONVERSATIONS: Report = {
  report: 'conversation',
  field: 'conversation_analytics',
  granularity: 'DAILY',
  rest: `.dimensions(${list(['CONVERSATION_CATEGORY', 'CONVERSATION_DIRECTION', 'CONVERSATION_TYPE', 'COUNTRY', 'PHONE'])})`,
};

export const PRICING: Report = {
  report: 'pricing',
  field: 'pricing_analytics',
  granularity: 'DAILY',
  rest: `.dimensions(${list(['COUNTRY', 'PHONE', 'PRICING_CATEGORY', 'PRICING_TYPE', 'TIER'])})`,
};

export const templateReport = (templateIds: readonly string[]): Report => ({
  report: 'template',
  field: 'template_analytics',
  granularity: 'DAILY',
  rest: `.template_ids(${list(templateIds)}).metric_types(${list(['SENT', 'DELIVERED', 'READ', 'CLICKED', 'COST'])})`,
});

const groupSchema = z.object({ data_points: z.array(z.unknown()).nullish() });

/** `{data_points}` of the oldest report; `{data: [{data_points}], paging}` of the others. */
const reportSchema = z
  .union([
    z.object({ data: z.array(groupSchema), paging: pagingSchema }),
    groupSchema.transform((group) => ({ data: [group], paging: null })),
  ])
  .nullish();

/** The field's words for a window: instants in whole seconds. */
function fieldOf({ field, granularity, rest }: Report, { from, to }: TimeWindow, after: string | null): string {
  const seconds = (at: Date): number => Math.floor(at.getTime() / SECOND_MS);
  const cursor = after === null ? '' : `.after(${after})`;
  return `${field}.start(${seconds(from)}).end(${seconds(to)}).granularity(${granularity})${rest}${cursor}`;
}

/** Data points of a window; none when the answer lacks the field: then nothing was counted. */
export function reportPages(
  api: GraphApi,
  wabaId: string,
  report: Report,
  window: TimeWindow,
): AsyncGenerator<ListPage> {
  return followPages(report.field, async (after) => {
    const schema = z.object({ [report.field]: reportSchema });
    const answer = await api.get(`/${wabaId}`, { fields: fieldOf(report, window, after) }, schema);
    const told = answer[report.field];
    return {
      rows: (told?.data ?? []).flatMap(({ data_points: points }) => points ?? []),
      paging: told?.paging ?? null,
    };
  });
}
