// Calls of the last hour, and how full the platform's budgets are by them. The headers are percentages of these counters, and
// the time until a blocked account may go on is in minutes.

import { GraphFailure } from './failure.ts';
import type { App, Waba } from './world.ts';

/** May be changed while the simulator runs. */
export interface WhatsappLimits {
  /** Of an app, over all accounts, in an hour. */
  appCalls: number;
  /** Of an app and an account, in an hour; messages do not count, for them there is the number's throughput. */
  accountCalls: number;
  /** The same for an account with a number. */
  accountCallsWithNumber: number;
  /** Of messages from one number to one person. */
  pair: { perSecond: number; burst: number };
}

/** Meta's pages, 2026 (messaging-apis 2.4, 2.5). */
export function defaultLimits(): WhatsappLimits {
  return {
    appCalls: 50_000,
    accountCalls: 200,
    accountCallsWithNumber: 5_000,
    pair: { perSecond: 1 / 6, burst: 45 },
  };
}

export type UseCase = 'whatsapp_business_management' | 'whatsapp';

export interface Caller {
  readonly app: App;
  /** Absent: the call concerns no account. */
  readonly waba?: Waba | undefined;
  readonly useCase: UseCase;
}

export interface Usage {
  /** Counts the call. Throws 4 or 80007 for one that is too many; that one is not counted. */
  take(caller: Caller): void;
  /** `X-App-Usage` and, where an account is concerned, `X-Business-Use-Case-Usage`. */
  headers(caller: Caller): Record<string, string>;
  /** From now on every call of this app for this account is refused for so many minutes. */
  block(app: App, waba: Waba, minutes: number): void;
}

const USE_CASES: readonly UseCase[] = ['whatsapp_business_management', 'whatsapp'];
const HOUR_S = 3_600;
const HOUR_MS = HOUR_S * 1_000;
const MINUTE_MS = 60_000;

export function createUsage(limits: WhatsappLimits, mono: () => number): Usage {
  const calls = new Map<string, number[]>();
  const blockedUntil = new Map<string, number>();
  /** Times of the last hour, oldest first. */
  const recent = (key: string): number[] => {
    const times = calls.get(key) ?? [];
    calls.set(key, times);
    const first = times.findIndex((at) => at > mono() - HOUR_MS);
    times.splice(0, first < 0 ? times.length : first);
    return times;
  };
  const keyOf = (app: App, waba: Waba, useCase: UseCase): string => `${app.id} ${waba.id} ${useCase}`;
  const budgetOf = ({ numbers }: Waba, useCase: UseCase): number => {
    if (useCase === 'whatsapp') return HOUR_S * numbers.reduce((sum, { throughput }) => sum + throughput, 1);
    return numbers.length > 0 ? limits.accountCallsWithNumber : limits.accountCalls;
  };
  /** Minutes until the use case may go on; 0: it may. */
  const minutesLeft = (app: App, waba: Waba, useCase: UseCase): number => {
    const key = keyOf(app, waba, useCase);
    const oldest = recent(key).at(-budgetOf(waba, useCase));
    const until = Math.max(blockedUntil.get(key) ?? 0, oldest === undefined ? 0 : oldest + HOUR_MS);
    return until <= mono() ? 0 : Math.max(1, Math.ceil((until - mono()) / MINUTE_MS));
  };
  return {
    take({ app, waba, useCase }) {
      if (recent(app.id).length >= limits.appCalls) throw new GraphFailure(4, { subcode: 2_446_079 });
      if (waba !== undefined && minutesLeft(app, waba, useCase) > 0)
        throw new GraphFailure(80_007, { subcode: 2_494_055 });
      recent(app.id).push(mono());
      if (waba !== undefined) recent(keyOf(app, waba, useCase)).push(mono());
    },
    headers({ app, waba }) {
      const appUsage = percentages(recent(app.id).length, limits.appCalls);
      const shown = { 'x-app-usage': JSON.stringify(appUsage) };
      if (waba === undefined) return shown;
      const entries = USE_CASES.map((type) => ({
        type,
        ...percentages(recent(keyOf(app, waba, type)).length, budgetOf(waba, type)),
        estimated_time_to_regain_access: minutesLeft(app, waba, type),
      }));
      return { ...shown, 'x-business-use-case-usage': JSON.stringify({ [waba.id]: entries }) };
    },
    block(app, waba, minutes) {
      for (const useCase of USE_CASES) blockedUntil.set(keyOf(app, waba, useCase), mono() + minutes * MINUTE_MS);
    },
  };
}

/** Time is used up at half the speed of calls, the processor's at a quarter. */
function percentages(calls: number, budget: number): Record<string, number> {
  const percent = (calls * 100) / budget;
  return {
    call_count: Math.floor(percent),
    total_cputime: Math.floor(percent / 4),
    total_time: Math.floor(percent / 2),
  };
}
