// The four reports as streams. Numbers, conversations and prices are kept for a year (ten until 2025-12-01), templates for 90 days
// (WhatsApp analytics, read 2026-11-20). Only numbers and templates that are attached now are answered for: rows stay with us.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { analyticsStream } from '../analytics.ts';
import type { GraphApi } from '../api.ts';
import { idIn } from '../schemas/people.ts';
import { CONVERSATIONS, MESSAGING, PRICING, templateReport, type Report } from '../reports.ts';
import { edgePages } from '../lists.ts';

const YEAR_DAYS = 365;
const TEMPLATE_DAYS = 90;
/** Templates of one request. */
const TEMPLATE_IDS = 10;

const yearly = { historyDays: YEAR_DAYS, changingDays: 3, fullEveryMs: null, typicalCost: 2 } as const;

export const messagingAnalytics = analyticsStream({
  ...yearly,
  name: 'messaging_analytics',
  reportsOf: async () => [MESSAGING],
});

export const conversationAnalytics = analyticsStream({
  ...yearly,
  name: 'conversation_analytics',
  reportsOf: async () => [CONVERSATIONS],
});

export const pricingAnalytics = analyticsStream({
  ...yearly,
  name: 'pricing_analytics',
  reportsOf: async () => [PRICING],
});

/** Only an approved template was ever sent; one that is paused or disabled was approved once. */
const SENDABLE = z.looseObject({ status: z.string().refine((status) => !/^(?:PENDING|REJECTED)$/i.test(status)) });

async function templateReports(api: GraphApi, wabaId: string): Promise<readonly Report[]> {
  const ids: string[] = [];
  for await (const { rows } of edgePages(api, `/${wabaId}/message_templates`)) {
    ids.push(...rows.flatMap((row) => (SENDABLE.safeParse(row).success ? (idIn(row, 'id') ?? []) : [])));
  }
  const batches = Math.ceil(ids.length / TEMPLATE_IDS);
  return Array.from({ length: batches }, (_, index) =>
    templateReport(ids.slice(index * TEMPLATE_IDS, (index + 1) * TEMPLATE_IDS)),
  );
}

/** Reads and clicks come for weeks: an increment has the last two, and once a week everything is read again. */
export const templateAnalytics = analyticsStream({
  name: 'template_analytics',
  historyDays: TEMPLATE_DAYS,
  changingDays: 14,
  fullEveryMs: 7 * DAY_MS,
  typicalCost: 4,
  reportsOf: templateReports,
});
