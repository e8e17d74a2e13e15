// Statuses of postings in the words that all platforms share.

import type { OrderStatus } from '../../../core/records.ts';

const STATUSES: Readonly<Record<string, OrderStatus>> = {
  awaiting_registration: 'new',
  acceptance_in_progress: 'new',
  awaiting_approve: 'new',
  awaiting_packaging: 'new',
  awaiting_deliver: 'processing',
  not_accepted: 'processing',
  sent_by_seller: 'delivering',
  driver_pickup: 'delivering',
  delivering: 'delivering',
  arbitration: 'delivering',
  client_arbitration: 'delivering',
  delivered: 'delivered',
  cancelled: 'cancelled',
};

/** One that nobody has told us about is under way, as most are. */
export function statusOf(word: string): OrderStatus {
  return STATUSES[word] ?? 'processing';
}

/** After these nothing is expected to happen to a posting. */
export function isFinal(word: string): boolean {
  return word === 'delivered' || word === 'cancelled';
}
