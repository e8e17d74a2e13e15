// What is measured of platforms, and in what. Durations have a histogram beside their sum.

export const METRIC_UNITS = {
  messages_sent: 'count',
  messages_received: 'count',
  api_calls: 'count',
  errors: 'count',
  response_time: 'seconds',
  sync_duration: 'seconds',
} as const;

export type MetricType = keyof typeof METRIC_UNITS;
export const METRIC_TYPES = Object.keys(METRIC_UNITS) as readonly MetricType[];

export function isTimed(type: MetricType): boolean {
  return METRIC_UNITS[type] === 'seconds';
}
