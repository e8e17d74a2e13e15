// WhatsApp's limits as data. Management calls say how much of their hour is used, so those buckets learn from answers too;
// messages are counted by number, and by number and person.

import { createHash } from 'node:crypto';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { BucketCharge, BucketRule } from '../../limits/governor.ts';

const MANAGEMENT = 'WhatsApp Business Management API, rate limits, read 2026-11-20';
const MESSAGES = 'WhatsApp Cloud API, throughput and pair rate limits, read 2026-11-20';

/**
 * 200 calls an hour of an app and a business account; 5,000 once the account has a registered number, which nobody tells us. Burst
 * plus an hour at the sustained rate stay below 200.
 */
export const MANAGEMENT_RULE: BucketRule = {
  id: 'whatsapp.management',
  requests: 150,
  perMs: HOUR_MS,
  burst: 45,
  interactiveReserve: 0.2,
  usage: 'whatsapp_business_management',
  parkMs: 5 * MINUTE_MS,
  source: MANAGEMENT,
};

/** Nobody says how many calls an app has: this bucket only rests when the platform asks for it (`X-App-Usage`, code 4). */
export const APP_RULE: BucketRule = {
  id: 'whatsapp.app',
  requests: 200,
  perMs: SECOND_MS,
  burst: 200,
  usage: 'app',
  parkMs: 5 * MINUTE_MS,
  source: `${MANAGEMENT}; the platform publishes no number`,
};

/** 80 messages a second of a number; some have up to 1,000. Burst plus a second at the sustained rate are 80. */
export const MESSAGES_RULE: BucketRule = {
  id: 'whatsapp.messages',
  requests: 60,
  perMs: SECOND_MS,
  burst: 20,
  usage: 'whatsapp',
  parkMs: 5 * SECOND_MS,
  source: MESSAGES,
};

/** One message in 6 seconds to one person, 45 of them at once; five are left, because messages do not travel equally long. */
export const PAIR_RULE: BucketRule = {
  id: 'whatsapp.pair',
  requests: 1,
  perMs: 6 * SECOND_MS,
  burst: 40,
  parkMs: 6 * SECOND_MS,
  source: MESSAGES,
};

export const ALL_RULES: readonly BucketRule[] = [MANAGEMENT_RULE, APP_RULE, MESSAGES_RULE, PAIR_RULE];

/** Whose buckets are charged. */
export interface Payer {
  readonly phoneNumberId: string;
  readonly wabaId?: string | undefined;
  readonly appId?: string | undefined;
}

const accountKey = ({ phoneNumberId, wabaId }: Payer): string =>
  wabaId === undefined ? `number:${phoneNumberId}` : wabaId;

/** Of an app that nobody named, this account's share alone is known: others must not wait for it. */
const appCharge = (payer: Payer): BucketCharge => ({ rule: APP_RULE, key: payer.appId ?? accountKey(payer) });

/** The narrowest bucket first. */
export function managementCharges(payer: Payer): readonly BucketCharge[] {
  return [{ rule: MANAGEMENT_RULE, key: accountKey(payer) }, appCharge(payer)];
}

const HASH_HEX = 16;

/** A bucket's key is no place for somebody's phone number: it stands in logs. */
const pairKey = (phoneNumberId: string, recipient: string): string =>
  `${phoneNumberId}:${createHash('sha256').update(`${phoneNumberId} ${recipient}`).digest('hex').slice(0, HASH_HEX)}`;

/** `recipient` as the chat's key names it. */
export function messageCharges(payer: Payer, recipient: string): readonly BucketCharge[] {
  const { phoneNumberId } = payer;
  return [
    { rule: PAIR_RULE, key: pairKey(phoneNumberId, recipient) },
    { rule: MESSAGES_RULE, key: phoneNumberId },
    appCharge(payer),
  ];
}
