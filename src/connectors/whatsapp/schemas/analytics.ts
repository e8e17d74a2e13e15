// One data point of a report: its period, what it is counted by, and its counts. Which members are counts is known; everything else
// is what it is counted by, so that a new dimension makes new rows and never overwrites old ones.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../../core/canonical-json.ts';
import type { MessagingAnalyticsRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, decimalText } from '../../toolkit/scalars.ts';
import { unixInstant } from './scalars.ts';

const KEY_HEX = 16;

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** Counts by the platform's names, of all reports. */
const COUNTS = ['sent', 'delivered', 'read', 'replied', 'conversation', 'volume'] as const;

const clickSchema = z.object({ type: z.string(), button_content: z.string().nullish(), count });
const costSchema = z.object({ type: z.string(), value: decimalText.nullish() });

/** A point as the stream hands it over: with the report's name, and the account's currency where it is known. */
const pointSchema = z.looseObject({
  report: z.enum(['messaging', 'conversation', 'pricing', 'template']),
  currency: z.string().nullable(),
  point: z
    .looseObject({
      start: unixInstant,
      end: unixInstant,
      clicked: z.array(clickSchema).nullish(),
      /** A number, or of templates a list by kind of cost. */
      cost: z.union([decimalText, z.array(costSchema)]).nullish(),
    })
    .refine(({ start, end }) => end > start, { message: 'expected an end after the start', path: ['end'] }),
});

/** Members of a point that no row is told apart by. */
const NO_DIMENSION: ReadonlySet<string> = new Set([...COUNTS, 'start', 'end', 'clicked', 'cost']);
/** Of the costs of a template the sum; others are quotients of it. */
const SUM = 'amount_spent';

type Point = z.output<typeof pointSchema>['point'];

function dimensionsOf(point: Point): Readonly<Record<string, string>> {
  const said = Object.entries(point).flatMap(([name, value]) => {
    const read = NO_DIMENSION.has(name) ? undefined : scalar.safeParse(value).data;
    return read === undefined ? [] : [[name, String(read)] as const];
  });
  return Object.fromEntries(said);
}

function countsOf(point: Point): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of COUNTS) {
    if (point[name] !== undefined && point[name] !== null) counts[name] = parseRecord(count, point[name]);
  }
  for (const { type, count: clicks } of point.clicked ?? []) {
    counts[`clicked.${type}`] = (counts[`clicked.${type}`] ?? 0) + clicks;
  }
  return counts;
}

function keyFor(report: string, point: Point): string {
  const dimensions = createHash('sha256')
    .update(canonicalJson(dimensionsOf(point)))
    .digest('hex')
    .slice(0, KEY_HEX);
  return `${report}:day:${point.start.toISOString()}:${dimensions}`;
}

export function pointKey(raw: unknown): string | null {
  const read = pointSchema.safeParse(raw).data;
  return read === undefined ? null : keyFor(read.report, read.point);
}

export function parsePoint(raw: unknown): MessagingAnalyticsRecord {
  const { report, currency, point } = parseRecord(pointSchema, raw);
  const { cost } = point;
  const sum = Array.isArray(cost) ? (cost.find(({ type }) => type === SUM)?.value ?? null) : (cost ?? null);
  return {
    pointKey: keyFor(report, point),
    report,
    granularity: 'day',
    startsAt: point.start,
    endsAt: point.end,
    dimensions: dimensionsOf(point),
    counts: countsOf(point),
    cost: sum,
    currency: sum === null ? null : currency,
    sourceUpdatedAt: null,
  };
}
