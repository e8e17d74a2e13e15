// /v1/queues/{queue}/history and /v1/queues/{queue}/latency

import { QUEUES } from '../../../queues/catalog.ts';
import { readLatency } from '../../../queues/history-latency.ts';
import { readThroughput, type Granularity, type HistorySpan } from '../../../queues/history-read.ts';
import { DAY_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import type { ApiDeps, Handlers } from '../call.ts';

const PERCENTILES = [50, 95, 99];

interface Asked {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly granularity: Granularity;
}

function spanOf(queue: string, { from, to, granularity }: Asked, now: Date): HistorySpan {
  if (!(QUEUES as readonly string[]).includes(queue))
    throw new AppError('not_found', `expected a queue of ${QUEUES.join(', ')}, got ${queue}`);
  const end = to ?? now;
  const begin = from ?? new Date(end.getTime() - DAY_MS);
  if (begin > end) throw new AppError('input.invalid', 'expected from before to');
  return { queues: [queue], from: begin, to: end, granularity };
}

export function queueHistoryRoutes({ clock }: ApiDeps): Handlers<'queueHistory' | 'queueLatency'> {
  return {
    async queueHistory({ params: { queue }, query, inTx }) {
      const span = spanOf(queue, query, clock.now());
      const points = await inTx((tx) => readThroughput(tx, span));
      const items = points.map(({ start, ...point }) => ({ ...point, start: start.toISOString() }));
      return { queue, granularity: query.granularity, items };
    },
    async queueLatency({ params: { queue }, query, inTx }) {
      const span = { ...spanOf(queue, query, clock.now()), metric: query.metric, percentiles: PERCENTILES };
      const points = await inTx((tx) => readLatency(tx, span));
      const items = points.map(({ start, values, ...point }) => {
        const [p50Ms, p95Ms, p99Ms] = values;
        return { ...point, start: start.toISOString(), p50Ms: p50Ms!, p95Ms: p95Ms!, p99Ms: p99Ms! };
      });
      return { queue, granularity: query.granularity, items };
    },
  };
}
