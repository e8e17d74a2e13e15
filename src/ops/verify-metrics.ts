// Whether `user_metrics` says what the facts say: every known day of every user is computed again and compared. Changes nothing.

import type { Database } from '../db/database.ts';
import type { MetricModel } from '../store/metric-model.ts';
import { listKnownDays, type DayRange } from '../store/fact-days.ts';
import { verifyDays, type Difference } from '../store/verify-days.ts';

export interface Verification {
  readonly users: number;
  /** Days that were computed again. */
  readonly checked: number;
  readonly sealed: number;
  /** Days that something marks: the rollup has not come to them yet. */
  readonly waiting: number;
  readonly differences: readonly Difference[];
}

export const NOTHING_VERIFIED: Verification = { users: 0, checked: 0, sealed: 0, waiting: 0, differences: [] };

/** Days of one statement. */
const CHUNK = 200;

/** Compares one user's days. `sealedDays` are told one by one. */
export async function verifyUser(
  api: Database,
  range: DayRange,
  model: MetricModel,
  signal: AbortSignal,
): Promise<Verification & { readonly sealedDays: readonly string[] }> {
  const { userId } = range;
  const scope = { kind: 'user', userId } as const;
  const days = await api.tx(scope, (tx) => listKnownDays(tx, range, model));
  const parts = [];
  for (let at = 0; at < days.length; at += CHUNK) {
    signal.throwIfAborted();
    const chunk = days.slice(at, at + CHUNK);
    parts.push(await api.tx(scope, (tx) => verifyDays(tx, { userId, days: chunk }, model)));
  }
  const sealedDays = parts.flatMap(({ sealed }) => sealed);
  return {
    users: 1,
    checked: parts.reduce((sum, { checked }) => sum + checked, 0),
    sealed: sealedDays.length,
    waiting: parts.reduce((sum, { waiting }) => sum + waiting.length, 0),
    differences: parts.flatMap(({ differences }) => differences),
    sealedDays,
  };
}

export function addVerified(one: Verification, other: Verification): Verification {
  return {
    users: one.users + other.users,
    checked: one.checked + other.checked,
    sealed: one.sealed + other.sealed,
    waiting: one.waiting + other.waiting,
    differences: [...one.differences, ...other.differences],
  };
}
