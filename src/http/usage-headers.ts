// How much of its budgets Meta says is used: `X-App-Usage` and `X-Business-Use-Case-Usage` (Graph API documentation and OpenAPI
// v23.0, read 2026-11-20). Both are JSON in a header, in PERCENT of a rolling hour; the time to wait is in MINUTES.

import { DAY_MS, MINUTE_MS } from '../core/duration.ts';

/** One budget as a header tells it. */
export interface Usage {
  /** `app`, or the type of a business use case: `whatsapp_business_management`. */
  readonly name: string;
  /** The fullest of calls, CPU time and time; above 100 when more than all is used. */
  readonly percent: number;
  /** How long nobody is let in, in milliseconds, at most a day; 0: everybody is. */
  readonly regainMs: number;
}

/** Percent from which on requests leave slower. */
export const THROTTLE_PERCENT = 80;
/** The pause before the next request when everything is used and nobody says for how long, in milliseconds. */
const FULL_PAUSE_MS = MINUTE_MS;
const PERCENTS = ['call_count', 'total_cputime', 'total_time'] as const;

/** Budgets in an answer's headers; of several with one name, as of several businesses, each. What cannot be read says nothing. */
export function readUsages(headers: Readonly<Record<string, string>>): readonly Usage[] {
  const app = jsonOf(headers['x-app-usage']);
  const businesses = Object.values(jsonOf(headers['x-business-use-case-usage']) ?? {}).flat();
  return [
    ...(app === null ? [] : [usageOf('app', app)]),
    ...businesses.flatMap((one) => {
      const { type } = Object(one) as { type?: unknown };
      return typeof type === 'string' ? [usageOf(type, Object(one) as Readonly<Record<string, unknown>>)] : [];
    }),
  ];
}

/**
 * How long the bucket named `name` is to rest, in milliseconds: until it is let in again; else the longer, the fuller it is,
 * from nothing at 80 % to a minute at 100 %. 0: not at all.
 */
export function pauseOf(usages: readonly Usage[], name: string): number {
  return Math.max(0, ...usages.filter((usage) => usage.name === name).map(pauseFor));
}

function pauseFor({ percent, regainMs }: Usage): number {
  if (regainMs > 0) return regainMs;
  const part = Math.min(1, (percent - THROTTLE_PERCENT) / (100 - THROTTLE_PERCENT));
  return Math.round(Math.max(0, part) * FULL_PAUSE_MS);
}

function usageOf(name: string, told: Readonly<Record<string, unknown>>): Usage {
  const minutes = numberOf(told['estimated_time_to_regain_access']);
  return {
    name,
    percent: Math.max(...PERCENTS.map((member) => numberOf(told[member]))),
    regainMs: Math.min(DAY_MS, minutes * MINUTE_MS),
  };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

function jsonOf(text: string | undefined): Readonly<Record<string, unknown>> | null {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}
