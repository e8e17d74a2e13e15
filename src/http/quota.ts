// A request and its buckets: ask before each attempt, tell afterwards. A short wait is slept, a long one frees the slot.

import { sleep } from '../core/async.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, reportOf } from '../core/errors.ts';
import type { WorkClass } from '../core/work-class.ts';
import { DEFAULT_PARK_MS, type BucketCharge, type Governor, type Lesson } from '../limits/governor.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { HttpResponse } from './http-client.ts';
import { readRateHints } from './rate-headers.ts';
import { pauseOf, type Usage } from './usage-headers.ts';

/** A longer wait for quota is not slept but thrown, so that the worker's slot is free meanwhile. */
export const LONGEST_QUOTA_WAIT_MS = 2_000;

export interface QuotaDeps {
  readonly governor: Governor;
  readonly clock: Clock;
  readonly log: EventLog;
}

/** Resolves once all buckets are charged. Throws `platform.rate_limited` when that takes longer than 2 s in all. */
export async function takeQuota(
  deps: QuotaDeps,
  charges: readonly BucketCharge[],
  workClass: WorkClass,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = deps.clock.mono();
  for (;;) {
    signal.throwIfAborted();
    const grant = await deps.governor.take(charges, workClass);
    if (grant.granted) return;
    const { waitMs, reason } = grant;
    // Each wait is at least 1 ms, so this bound also ends the loop.
    if (deps.clock.mono() - startedAt + waitMs > LONGEST_QUOTA_WAIT_MS) {
      const rules = charges.map(({ rule }) => rule.id);
      const message = `expected quota within ${LONGEST_QUOTA_WAIT_MS} ms, it is free in ${waitMs} ms (${reason})`;
      throw new AppError('platform.rate_limited', message, { retryAfterMs: waitMs, details: { reason, rules } });
    }
    await sleep(Math.max(1, waitMs), signal);
  }
}

/** Gives back what was charged for a request that never left. */
export async function refundQuota(deps: QuotaDeps, charges: readonly BucketCharge[]): Promise<void> {
  await guarded(deps, () => Promise.all(charges.map((charge) => deps.governor.settle(charge, 0))));
}

/** No answer came, or one of 500 and above. */
export async function learnFailure(deps: QuotaDeps, charges: readonly BucketCharge[]): Promise<void> {
  await learnAll(
    deps,
    charges.map(({ rule, key }) => ({ rule, key, outcome: 'failed' })),
  );
}

/** The platform asked us to slow down; returns the wait that now holds, in milliseconds. */
export async function learnRefusal(
  deps: QuotaDeps,
  charges: readonly BucketCharge[],
  retryAfterMs?: number,
): Promise<number> {
  const waits = charges.map(({ rule }) => retryAfterMs ?? rule.parkMs ?? DEFAULT_PARK_MS);
  await learnAll(
    deps,
    charges.map(({ rule, key }, index) => ({ rule, key, outcome: 'rate_limited', retryAfterMs: waits[index]! })),
  );
  return Math.max(retryAfterMs ?? 0, ...waits);
}

/**
 * An answer below 500. Headers about what is left are taken for the first charge, the narrowest bucket; those about what is
 * used name their buckets. Platforms that count a 4XX more than once get the rest of the cost.
 */
export async function learnAnswer(
  deps: QuotaDeps,
  charges: readonly BucketCharge[],
  response: Pick<HttpResponse, 'status' | 'headers'>,
): Promise<void> {
  const { remaining, limit, resetMs, isWindow, usages } = readRateHints(response.headers, deps.clock.now());
  const hints = {
    ...(remaining === undefined ? {} : { remaining }),
    ...(resetMs === undefined ? {} : isWindow === true ? { retryAfterMs: resetMs } : { limit, fullInMs: resetMs }),
  };
  await learnAll(
    deps,
    charges.map(({ rule, key }, index) => ({ rule, key, outcome: 'ok', ...(index === 0 ? hints : {}) })),
  );
  if (usages !== undefined) await rest(deps, charges, usages);
  if (response.status < 400) return;
  const dearer = charges.filter(({ rule }) => rule.clientErrorCost !== undefined);
  await guarded(deps, () =>
    Promise.all(
      dearer.map((charge) => deps.governor.settle(charge, (charge.cost ?? 1) * (charge.rule.clientErrorCost ?? 1))),
    ),
  );
}

/** Buckets of which much is used rest for a while. */
async function rest(deps: QuotaDeps, charges: readonly BucketCharge[], usages: readonly Usage[]): Promise<void> {
  const pauses = charges.flatMap(({ rule, key }) => {
    const ms = rule.usage === undefined ? 0 : pauseOf(usages, rule.usage);
    return ms === 0 ? [] : [{ rule, key, until: new Date(deps.clock.now().getTime() + ms) }];
  });
  await guarded(deps, () => Promise.all(pauses.map(({ until, ...bucket }) => deps.governor.park(bucket, until))));
}

async function learnAll(deps: QuotaDeps, lessons: readonly Lesson[]): Promise<void> {
  await guarded(deps, () => Promise.all(lessons.map((lesson) => deps.governor.learn(lesson))));
}

/** An answer that came is worth more than a note about it: when the note cannot be stored, say so and go on. */
async function guarded(deps: QuotaDeps, note: () => Promise<unknown>): Promise<void> {
  try {
    await note();
  } catch (error) {
    deps.log.emit('limits.learn_failed', { error: reportOf(error) });
  }
}
