// Limits of Wildberries as data: a token bucket per seller and group of methods. Tokens of kind `base` have buckets of their
// own, which are far smaller. Answers say what is left, so a bucket that others empty too is found out.

import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { BucketCharge, BucketRule } from '../../limits/governor.ts';
import type { Token, TokenKind } from './token.ts';

const SOURCE = 'Wildberries API documentation, 2026-08-18';

interface Limit {
  readonly requests: number;
  readonly perMs: number;
  readonly burst: number;
  /** Hours in which a token of kind `base` has one request; absent: as many as others; null: none. */
  readonly baseHours?: number | null;
  /** The one kind of token that may ask; absent: `baseHours` says. */
  readonly only?: TokenKind;
  /** What a client's error costs. */
  readonly clientErrorCost?: number;
}

const LIMITS = {
  common: { requests: 1, perMs: MINUTE_MS, burst: 10, baseHours: 24 },
  subscriptions: { requests: 1, perMs: MINUTE_MS, burst: 10, baseHours: null, only: 'service' },
  rating: { requests: 1, perMs: MINUTE_MS, burst: 1, baseHours: null, only: 'service' },
  ping: { requests: 3, perMs: 30 * SECOND_MS, burst: 3 },
  statistics_orders: { requests: 1, perMs: MINUTE_MS, burst: 10, baseHours: 3 },
  statistics_sales: { requests: 1, perMs: MINUTE_MS, burst: 1, baseHours: 2 },
  order_feed: { requests: 1, perMs: MINUTE_MS, burst: 1, baseHours: 3 },
  stocks_report: { requests: 3, perMs: MINUTE_MS, burst: 1, baseHours: null },
  content: { requests: 100, perMs: MINUTE_MS, burst: 5 },
  prices: { requests: 10, perMs: 6 * SECOND_MS, burst: 5, baseHours: 0.25 },
  marketplace: { requests: 300, perMs: MINUTE_MS, burst: 20, clientErrorCost: 10 },
  feedbacks: { requests: 3, perMs: SECOND_MS, burst: 6, baseHours: 0.2 },
  chat: { requests: 10, perMs: 10 * SECOND_MS, burst: 10, baseHours: 1 },
  claims: { requests: 20, perMs: MINUTE_MS, burst: 10, baseHours: 1 },
  analytics: { requests: 3, perMs: MINUTE_MS, burst: 3, baseHours: 1 },
  goods_return: { requests: 1, perMs: MINUTE_MS, burst: 10, baseHours: 1 },
  supplies: { requests: 30, perMs: MINUTE_MS, burst: 10, baseHours: 1 },
  finance_list: { requests: 1, perMs: MINUTE_MS, burst: 1, baseHours: null },
  finance_detailed: { requests: 1, perMs: MINUTE_MS, burst: 1, baseHours: null },
} as const satisfies Readonly<Record<string, Limit>>;

export type LimitGroup = keyof typeof LIMITS;

function ruleOf(group: LimitGroup, { requests, perMs, burst, clientErrorCost }: Limit): BucketRule {
  return {
    id: `wildberries.${group}`,
    requests,
    perMs,
    burst,
    ...(burst >= 5 ? { interactiveReserve: 0.2 } : {}),
    ...(clientErrorCost === undefined ? {} : { clientErrorCost }),
    source: SOURCE,
  };
}

function baseRuleOf(group: LimitGroup, baseHours: number): BucketRule {
  return { id: `wildberries.${group}.base`, requests: 1, perMs: baseHours * HOUR_MS, burst: 1, source: SOURCE };
}

interface Rules {
  readonly full: BucketRule;
  /** Null: tokens of kind `base` may not ask. */
  readonly base: BucketRule | null;
}

function rulesOf(group: LimitGroup): Rules {
  const limit: Limit = LIMITS[group];
  const full = ruleOf(group, limit);
  if (limit.baseHours === undefined) return { full, base: full };
  return { full, base: limit.baseHours === null ? null : baseRuleOf(group, limit.baseHours) };
}

const RULES = Object.fromEntries(
  (Object.keys(LIMITS) as LimitGroup[]).map((group) => [group, rulesOf(group)]),
) as Readonly<Record<LimitGroup, Rules>>;

/** All rules, those of `base` tokens among them. */
export const ALL_RULES: readonly BucketRule[] = [
  ...new Set(Object.values(RULES).flatMap(({ full, base }) => (base === null ? [full] : [full, base]))),
];

/** The bucket of a seller's group; null: a token of this kind may not ask. */
export function chargeOf(group: LimitGroup, { sellerId, kind }: Token): BucketCharge | null {
  const { only }: Limit = LIMITS[group];
  if (only !== undefined && only !== kind) return null;
  const { full, base } = RULES[group];
  const rule = kind === 'base' ? base : full;
  return rule === null ? null : { rule, key: sellerId };
}
