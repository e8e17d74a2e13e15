// Metrics as series: a user's days, and what platforms did for us. Gaps are filled; a series may be compared with the one right before
// it, and be had as CSV.

import { z } from 'zod';
import { METRIC_TYPES, type MetricType } from '../../core/metric-types.ts';
import { PLATFORM_IDS } from '../../core/platforms.ts';
import { csv, operation } from './define.ts';
import { id, instant } from './words.ts';

const tag = 'metrics';
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'expected a day like 2026-03-29');
const yes = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

const span = {
  from: day
    .optional()
    .meta({ description: 'First day; default: 29 days before `to`, by hour and minute the same day' }),
  to: day.optional().meta({ description: 'Last day, counted; default: today' }),
};
const compare = { compare: yes.meta({ description: 'Also the series right before: as many days, or whole months' }) };

const percent = z.number().nullable();
const value = z.union([z.number(), z.string(), z.null()]);
const values = z.record(z.string(), value);
const currencies = z.record(z.string(), z.record(z.string(), z.string()));

const userMetricPoint = z
  .object({
    start: z.string().meta({ description: 'First day of the whole day, week or month' }),
    from: z.string().meta({ description: 'First day that counts here' }),
    to: z.string().meta({ description: 'Last day that counts here' }),
    days: z.int().meta({ description: 'Days that were computed; the others have no facts' }),
    values: values.meta({ description: 'By metric: counts as numbers, everything else as decimal text' }),
    otherCurrencies: currencies.meta({
      description: 'Amounts in currencies that are not the reporting one, by metric',
    }),
  })
  .meta({ id: 'UserMetricPoint' });

const userMetricSpan = z.object({
  from: z.string(),
  to: z.string(),
  items: z.array(userMetricPoint),
  total: userMetricPoint,
});

const userQuery = {
  by: z.enum(['day', 'week', 'month']).default('day').meta({ description: 'Weeks begin on Monday' }),
  metrics: z.string().max(2_000).optional().meta({ description: 'Names separated by commas; default: all' }),
  ...span,
};

const type = z.enum(METRIC_TYPES as [MetricType, ...MetricType[]]);
const count = z.number().min(0);

const platformMetricPoint = z
  .object({
    start: z.string().meta({ description: 'An instant by minute and hour, else the first day of the whole step' }),
    from: z.string(),
    to: z.string(),
    count: count.meta({ description: 'How many were measured' }),
    sum: z.number().meta({ description: 'Of durations in seconds; of everything else as many as were counted' }),
    min: z.number().nullable(),
    max: z.number().nullable(),
    mean: z.number().nullable(),
    p50: z.number().nullable().meta({ description: 'Of durations only' }),
    p95: z.number().nullable(),
    p99: z.number().nullable(),
  })
  .meta({ id: 'PlatformMetricPoint' });

const platformMetricSeries = z
  .object({
    of: z.string().nullable().meta({ description: 'Id of what it is split by; null: of everything' }),
    label: z.string().nullable(),
    items: z.array(platformMetricPoint),
    total: platformMetricPoint,
    previous: z.array(platformMetricPoint).nullable(),
    previousTotal: platformMetricPoint.nullable(),
    changePercent: percent.meta({
      description: 'Of the sum, against the series before; null: nothing to compare with',
    }),
  })
  .meta({ id: 'PlatformMetricSeries' });

const platformQuery = {
  metric: type.default('api_calls'),
  by: z.enum(['minute', 'hour', 'day', 'week', 'month']).default('day').meta({ description: 'Weeks begin on Monday' }),
  timezone: z.string().min(1).max(100).default('UTC').meta({ description: 'IANA zone whose days count' }),
  userId: id.optional(),
  integrationId: id.optional(),
  platform: z.enum(PLATFORM_IDS).optional(),
  split: z
    .enum(['user', 'integration', 'platform'])
    .optional()
    .meta({ description: 'A series of each; the 100 with the most' }),
  ...span,
};

export const metricOperations = {
  userMetrics: operation({
    method: 'GET',
    path: '/v1/users/{userId}/metrics',
    scope: 'read',
    tag,
    summary: 'Daily metrics of a user in his zone, by day, week or month, oldest first, gaps filled',
    params: z.strictObject({ userId: id }),
    query: z.strictObject({ ...userQuery, ...compare }),
    answer: userMetricSpan.extend({
      userId: id,
      timezone: z.string(),
      currency: z.string().meta({ description: 'The reporting currency, in which `values` are' }),
      by: z.string(),
      previous: userMetricSpan.nullable(),
      changePercent: z.record(z.string(), percent).nullable().meta({ description: 'Of the totals, by metric' }),
    }),
  }),
  userMetricsCsv: csv({
    method: 'GET',
    path: '/v1/users/{userId}/metrics.csv',
    scope: 'read',
    tag,
    summary: 'The same as CSV, a line for each step, each currency in a column of its own',
    params: z.strictObject({ userId: id }),
    query: z.strictObject(userQuery),
  }),
  listUserMetrics: operation({
    method: 'GET',
    path: '/v1/metrics',
    scope: 'read',
    tag,
    summary: 'What each daily metric counts',
    answer: z.object({ items: z.array(z.object({ name: z.string(), kind: z.string(), meaning: z.string() })) }),
  }),
  platformMetrics: operation({
    method: 'GET',
    path: '/v1/platform-metrics',
    scope: 'read',
    tag,
    summary:
      'What platforms did for us, by minute to month, of everybody, a user, an integration or a platform, gaps filled',
    query: z.strictObject({ ...platformQuery, ...compare }),
    answer: z.object({
      metric: type,
      unit: z.enum(['count', 'seconds']),
      by: z.string(),
      timezone: z.string(),
      from: z.string(),
      to: z.string(),
      keptFrom: instant
        .nullable()
        .meta({ description: 'What is older was forgotten at this step: there are no points before' }),
      daysOfUtcUntil: instant
        .nullable()
        .meta({ description: 'Until then days are those of UTC: hours, of which the zone’s are made, were forgotten' }),
      previousFrom: z.string().nullable(),
      previousTo: z.string().nullable(),
      items: z.array(platformMetricSeries),
    }),
  }),
  platformMetricsCsv: csv({
    method: 'GET',
    path: '/v1/platform-metrics.csv',
    scope: 'read',
    tag,
    summary: 'The same as CSV, a line for each series and step',
    query: z.strictObject(platformQuery),
  }),
  platformHours: operation({
    method: 'GET',
    path: '/v1/platform-metrics/live',
    scope: 'read',
    tag,
    summary: 'Counts of each platform hour by hour, newest first, up to the last minute that was handed over',
    query: z.strictObject({
      hours: z.coerce.number().int().min(1).max(72).default(24).meta({ description: 'This hour and those before' }),
    }),
    answer: z.object({
      items: z.array(
        z.object({
          platform: z.string(),
          hour: instant,
          counts: z.record(z.string(), count).meta({ description: 'By metric' }),
        }),
      ),
    }),
  }),
};
