// What a run's requests cost, gathered in memory per minute and handed over now and then. Keeps nothing across processes:
// a killed worker loses the last minute of metrics and no record.

import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { Clock } from '../core/clock.ts';
import { bucketOf, emptyHistogram } from '../core/histogram.ts';
import { isTimed, type MetricType } from '../core/metric-types.ts';
import type { HttpCall } from '../http/http-client.ts';
import type { MetricSample } from '../store/platform-metrics.ts';

interface Tally {
  readonly metricType: MetricType;
  readonly minute: Date;
  count: number;
  sum: number;
  min: number;
  max: number;
  readonly histogram: number[];
}

export interface RunMeter {
  onCall(call: HttpCall): void;
  /** The run ended after so many seconds. */
  onRunEnd(seconds: number): void;
  /** Requests since the last call of this. */
  takeRequests(): number;
  /** Taken requests whose count was not stored. */
  giveBackRequests(count: number): void;
  /** True when a minute has passed since the samples were taken last. */
  isDue(): boolean;
  takeSamples(): readonly MetricSample[];
}

export function createRunMeter(clock: Clock): RunMeter {
  const tallies = new Map<string, Tally>();
  let requests = 0;
  let takenAt = clock.mono();

  const add = (metricType: MetricType, value: number): void => {
    const minuteMs = Math.floor(clock.now().getTime() / MINUTE_MS) * MINUTE_MS;
    const key = `${metricType} ${minuteMs}`;
    let tally = tallies.get(key);
    if (tally === undefined) {
      const histogram = isTimed(metricType) ? emptyHistogram() : [];
      tally = { metricType, minute: new Date(minuteMs), count: 0, sum: 0, min: value, max: value, histogram };
      tallies.set(key, tally);
    }
    tally.count += 1;
    tally.sum += value;
    tally.min = Math.min(tally.min, value);
    tally.max = Math.max(tally.max, value);
    if (tally.histogram.length > 0) tally.histogram[bucketOf(value)]! += 1;
  };

  return {
    onCall({ ok, durationMs }) {
      requests += 1;
      add('api_calls', 1);
      add('response_time', durationMs / SECOND_MS);
      if (!ok) add('errors', 1);
    },
    onRunEnd: (seconds) => add('sync_duration', seconds),
    takeRequests() {
      const taken = requests;
      requests = 0;
      return taken;
    },
    giveBackRequests: (count) => void (requests += count),
    isDue: () => tallies.size > 0 && clock.mono() - takenAt >= MINUTE_MS,
    takeSamples() {
      const samples = [...tallies.values()];
      tallies.clear();
      takenAt = clock.mono();
      return samples;
    },
  };
}
