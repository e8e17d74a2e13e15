// The port of the quota governor: buckets shared by every worker, keyed by the platform's own rule. It answers how
// long to wait and never throws for a full bucket.

import type { WorkClass } from '../core/work-class.ts';

/** When a key stands for one credential: how many failures in a row stop it, and for how long at first. */
export interface BreakerRule {
  readonly failures: number;
  readonly openMs: number;
}

/** A platform's limit as data, with where it is written. */
export interface BucketRule {
  /** `<platform>.<name>`, stable: `upwork.api`. */
  readonly id: string;
  /** Sustained rate: `requests` per `perMs`. */
  readonly requests: number;
  readonly perMs: number;
  /** How many may leave at once after a rest. */
  readonly burst: number;
  /** Requests per UTC day, when the platform has such a budget. */
  readonly perDay?: number;
  /** Part of the burst and of the day budget kept for interactive work, 0 to 1. */
  readonly interactiveReserve?: number;
  /** How long a refusal stops the bucket when the platform does not say; default `DEFAULT_PARK_MS`. */
  readonly parkMs?: number;
  /** Requests that the platform counts for an answer 400 to 499 (not 429), when that is more than one. */
  readonly clientErrorCost?: number;
  /** Where answers say in percent how much is used: the name under which they do (`app`, `whatsapp_business_management`). */
  readonly usage?: string;
  /** Only for keys that stand for one credential; shared keys must not have one. */
  readonly breaker?: BreakerRule;
  /** Document and date this limit was read from. */
  readonly source: string;
}

/** One bucket to be charged: rule x key (egress id, seller, bot, phone number). */
export interface BucketCharge {
  readonly rule: BucketRule;
  readonly key: string;
  readonly cost?: number;
}

export type Grant =
  | { readonly granted: true; readonly waitMs: 0 }
  | { readonly granted: false; readonly waitMs: number; readonly reason: 'rate' | 'day' | 'parked' | 'breaker' };

/** What an answer taught us about a bucket. */
export interface Lesson {
  readonly rule: BucketRule;
  readonly key: string;
  readonly outcome: 'ok' | 'rate_limited' | 'failed';
  /** The platform's own wait, in milliseconds; for `ok` it is heeded only when `remaining` is 0. */
  readonly retryAfterMs?: number;
  /** Requests the platform says are left in the bucket. Read for `ok`. */
  readonly remaining?: number;
  /** Requests that the platform's bucket holds when it is full, and how long until it is, in milliseconds. Read for `ok`. */
  readonly limit?: number;
  readonly fullInMs?: number;
}

/** How long a bucket is parked after a 429 that does not say, in milliseconds. */
export const DEFAULT_PARK_MS = 60_000;

export interface Governor {
  /** Charges all buckets or none; when one is short, says the longest wait. */
  take(charges: readonly BucketCharge[], workClass: WorkClass): Promise<Grant>;
  /** Corrects a charge after the answer (some platforms count a 4XX tenfold). `actual` is the whole cost. */
  settle(charge: BucketCharge, actual: number): Promise<void>;
  learn(lesson: Lesson): Promise<void>;
  /** Nobody gets anything from this bucket before `until`. */
  park(charge: Pick<BucketCharge, 'rule' | 'key'>, until: Date): Promise<void>;
}
