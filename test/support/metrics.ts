// Accounts that exist, and platform metrics that a worker adds to them.

import { randomUUID } from 'node:crypto';
import { bucketOf, emptyHistogram } from '../../src/core/histogram.ts';
import { METRIC_UNITS, type MetricType } from '../../src/core/metric-types.ts';
import type { Database } from '../../src/db/database.ts';
import { addPlatformMetrics, type MetricOwner, type MetricSample } from '../../src/store/platform-metrics.ts';
import { addIntegration } from '../../src/store/integrations.ts';
import { addUser } from '../../src/store/users.ts';
import type { TestDatabase } from './postgres.ts';

/** A sample of one minute. */
export function sampleOf(metricType: MetricType, minute: Date, values: readonly number[]): MetricSample {
  const histogram = METRIC_UNITS[metricType] === 'seconds' ? emptyHistogram() : [];
  if (histogram.length > 0) for (const value of values) histogram[bucketOf(value)]! += 1;
  const sum = values.reduce((total, value) => total + value, 0);
  return {
    metricType,
    minute,
    count: values.length,
    sum,
    min: Math.min(...values),
    max: Math.max(...values),
    histogram,
  };
}

export interface MetricAccount extends MetricOwner {
  /** As a worker with a lease of the user adds them. */
  add(...samples: readonly MetricSample[]): Promise<void>;
}

export interface AccountOptions {
  readonly platformId?: 'upwork' | 'ozon' | 'wildberries' | 'telegram';
  readonly userId?: string;
  readonly timezone?: string;
}

/** A user with an account and a worker that holds a lease of it. */
export async function addMetricAccount(
  database: TestDatabase,
  worker: Database,
  { platformId = 'upwork', userId, timezone = 'UTC' }: AccountOptions = {},
): Promise<MetricAccount> {
  const api = database.open('tidemark_api', 1);
  const email = `${randomUUID()}@example.com`;
  const owner = await api.tx({ kind: 'ops' }, async (tx) => {
    const id = userId ?? (await addUser(tx, { email, name: 'Ada', timezone, reportingCurrency: 'USD' })).id;
    const integration = await addIntegration(tx, {
      userId: id,
      platformId,
      settings: {},
      streams: [],
      now: new Date(),
    });
    return { userId: id, integrationId: integration.id, platformId };
  });
  const token = randomUUID();
  await database.asSuperuser(
    `insert into tidemark_private.leases (token, user_id, worker_id, job_id) values ($1, $2, $3, $4)`,
    [token, owner.userId, randomUUID(), randomUUID()],
  );
  return {
    ...owner,
    add: (...samples) => worker.tx({ kind: 'lease', token }, (tx) => addPlatformMetrics(tx, owner, samples)),
  };
}
