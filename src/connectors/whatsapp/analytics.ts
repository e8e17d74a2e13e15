// A report over its days. What was counted yesterday changes for days, so an increment reads the last ones again; days that a
// window cuts through are left to the window that has them whole.

import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { defineStream, type AnyStream } from '../contract/connector.ts';
import type { Page, Plan } from '../contract/stream.ts';
import { pagesOf } from '../toolkit/pages.ts';
import { windowsOf, type TimeWindow } from '../toolkit/windows.ts';
import { wabaIdOf } from './account.ts';
import { createGraphApi, type Context, type GraphApi } from './api.ts';
import type { WhatsAppCredential } from './credential.ts';
import { reportPages, type Report } from './reports.ts';
import { parsePoint, pointKey } from './schemas/analytics.ts';
import { unixInstant } from './schemas/scalars.ts';
import type { WhatsAppSettings } from './settings.ts';

/** Days of one request. */
const WINDOW_MS = 30 * DAY_MS;
/** Days that begin at midnight somewhere else than in UTC are whole in a window that is a day longer at both ends. */
const MARGIN_MS = DAY_MS;
/** The shortest day there is, when the clock is put forward. */
const SHORTEST_DAY_MS = 23 * HOUR_MS - 1_000;

const cursorSchema = z.strictObject({
  /** What was counted before this instant was read. */
  mark: z.iso.datetime(),
});
type Cursor = z.output<typeof cursorSchema>;

export interface AnalyticsOptions {
  readonly name: string;
  /** How far back the platform answers, in days. */
  readonly historyDays: number;
  /** Days that an increment reads again. */
  readonly changingDays: number;
  readonly fullEveryMs: number | null;
  readonly typicalCost: number;
  /** Reports that are asked for each window. */
  reportsOf(api: GraphApi, wabaId: string): Promise<readonly Report[]>;
}

/** Where this pass begins: not before the platform has something, and on a midnight of UTC. */
function startOf({ type, since, until, cursor }: Plan<Cursor>, historyDays: number, now: Date): Date {
  const oldest = new Date(now.getTime() - historyDays * DAY_MS + MARGIN_MS);
  // A pass from the start that broke off goes on behind its last window.
  const mark = type === 'full' && cursor !== null ? new Date(cursor.mark) : null;
  const wanted = mark ?? since ?? oldest;
  const from = new Date(Math.floor(Math.max(wanted.getTime(), oldest.getTime()) / DAY_MS) * DAY_MS);
  return from < until ? from : until;
}

/** The part of time to be asked for `window`, inside what the platform has and what has happened. */
function askedOf({ from, to }: TimeWindow, oldest: Date, now: Date): TimeWindow {
  return {
    from: new Date(Math.max(from.getTime() - MARGIN_MS, oldest.getTime())),
    to: new Date(Math.min(to.getTime() + MARGIN_MS, now.getTime())),
  };
}

const pointSchema = z.object({ start: unixInstant, end: unixInstant });

/** Whether a point is a whole day of the window that was asked; today is whole as far as it went. */
function isWhole(raw: unknown, { from, to }: TimeWindow, now: Date): boolean {
  const point = pointSchema.safeParse(raw).data;
  // Whatever else it is, it is for the parser to refuse.
  if (point === undefined) return true;
  if (point.start < from) return false;
  const isRunning = to >= now && point.end >= to;
  return isRunning || (point.end <= to && point.end.getTime() - point.start.getTime() >= SHORTEST_DAY_MS);
}

const currencySchema = z.object({ currency: z.string().nullish().catch(null) });

/** Costs are in the account's currency, which not every token may see. */
async function currencyOf(api: GraphApi, wabaId: string, { currency }: WhatsAppSettings): Promise<string | null> {
  if (currency !== undefined) return currency;
  try {
    const told = (await api.get(`/${wabaId}`, { fields: 'currency' }, currencySchema)).currency ?? null;
    return told !== null && /^[A-Z]{3}$/.test(told) ? told : null;
  } catch (error) {
    if (error instanceof AppError && (error.code === 'platform.request_invalid' || error.kind === 'scope')) return null;
    throw error;
  }
}

const UPSERT = { kind: 'upsert' } as const;

interface Reading {
  readonly api: GraphApi;
  readonly wabaId: string;
  readonly currency: string | null;
  readonly asked: TimeWindow;
  readonly now: Date;
}

/** Whole days of one report, and what was wrong with its pages. */
async function* readReport(
  report: Report,
  { api, wabaId, currency, asked, now }: Reading,
): AsyncGenerator<Page<Cursor>> {
  for await (const { rows, doubt } of reportPages(api, wabaId, report, asked)) {
    const points = rows.filter((point) => isWhole(point, asked, now));
    const records = points.map((point) => ({ report: report.report, currency, point }));
    for (const page of pagesOf(records)) yield { records: page.records, mode: UPSERT };
    if (doubt !== null) yield { records: [], mode: UPSERT, problems: [doubt] };
  }
}

async function* read(options: AnalyticsOptions, plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const wabaId = wabaIdOf(context.settings, options.name);
  const api = createGraphApi(context);
  const now = context.clock.now();
  const oldest = new Date(now.getTime() - options.historyDays * DAY_MS);
  const reports = await options.reportsOf(api, wabaId);
  const currency = reports.length === 0 ? null : await currencyOf(api, wabaId, context.settings);
  let isDoubtful = false;
  for (const window of windowsOf({ from: startOf(plan, options.historyDays, now), to: plan.until }, WINDOW_MS)) {
    const asked = askedOf(window, oldest, now);
    for (const report of reports) {
      for await (const page of readReport(report, { api, wabaId, currency, asked, now })) {
        isDoubtful ||= (page.problems ?? []).length > 0;
        yield page;
      }
    }
    // A mark behind something that may be missing would hide it.
    const done = isDoubtful ? {} : { checkpoint: { mark: window.to.toISOString() }, covered: window };
    yield { records: [], mode: UPSERT, ...done };
  }
}

/** A stream of one report. */
export function analyticsStream(options: AnalyticsOptions): AnyStream<WhatsAppCredential, WhatsAppSettings> {
  return defineStream<WhatsAppCredential, WhatsAppSettings, 'messaging_analytics', Cursor>({
    name: options.name,
    kind: 'messaging_analytics',
    owner: 'user',
    defaultIntervalMinutes: 12 * 60,
    fullEveryMs: options.fullEveryMs,
    lookbackMs: options.changingDays * DAY_MS,
    readAhead: false,
    typicalCost: options.typicalCost,
    cursor: { version: 1, schema: cursorSchema },
    highWaterMark: ({ mark }) => new Date(mark),
    read: (plan, context) => read(options, plan, context),
    parse: parsePoint,
    keyOf: pointKey,
  });
}
