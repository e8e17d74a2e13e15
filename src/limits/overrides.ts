// Limits as data may be corrected without a release: platforms change them, and some accounts have others.

import { AppError } from '../core/errors.ts';
import type { BucketRule } from './governor.ts';

export type LimitOverride = Partial<Pick<BucketRule, 'requests' | 'perMs' | 'burst' | 'perDay' | 'interactiveReserve'>>;

/** Rule id → what differs: `{"upwork.api": {"requests": 120}}`. */
export type LimitOverrides = Readonly<Record<string, LimitOverride>>;

/** `rule` with its override, if there is one. Throws `config.invalid` when the result could never grant anything. */
export function applyLimitOverrides(rule: BucketRule, overrides: LimitOverrides): BucketRule {
  const override = Object.hasOwn(overrides, rule.id) ? overrides[rule.id] : undefined;
  if (override === undefined) return rule;
  const { requests = rule.requests, perMs = rule.perMs, burst = rule.burst, perDay = rule.perDay } = override;
  const reserve = override.interactiveReserve ?? rule.interactiveReserve;
  expectAtLeast(rule.id, { requests, perMs }, Number.MIN_VALUE);
  expectAtLeast(rule.id, perDay === undefined ? { burst } : { burst, perDay }, 1);
  if (reserve !== undefined) expectAtLeast(rule.id, { interactiveReserve: reserve }, 0);
  return {
    ...rule,
    requests,
    perMs,
    burst,
    source: `${rule.source}; changed by configuration`,
    ...(perDay === undefined ? {} : { perDay }),
    ...(reserve === undefined ? {} : { interactiveReserve: reserve }),
  };
}

function expectAtLeast(ruleId: string, numbers: Readonly<Record<string, number>>, least: number): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isFinite(value) && value >= least) continue;
    const expected = least === Number.MIN_VALUE ? 'a number above 0' : `at least ${least}`;
    throw new AppError('config.invalid', `limit ${ruleId}: expected ${name} to be ${expected}, got ${value}`);
  }
}
