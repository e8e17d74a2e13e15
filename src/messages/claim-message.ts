// Which message of a chat leaves next. One that a dead worker was sending is in doubt, and is settled before anything else leaves.

import { AppError, reportOf } from '../core/errors.ts';
import type { Tx } from '../db/database.ts';
import {
  firstUnsettled,
  lockChat,
  markSending,
  requeueOutbound,
  settleOutbound,
  type OutboundLane,
  type QueuedMessage,
} from '../store/outbound.ts';

export type Claim =
  | { readonly kind: 'claimed'; readonly message: QueuedMessage }
  /** Another worker is sending to this chat. */
  | { readonly kind: 'busy' }
  /** `id` was left in doubt by a worker that died. */
  | { readonly kind: 'doubt'; readonly id: string }
  | { readonly kind: 'none' };

export const inDoubt = (why: string): AppError =>
  new AppError('message.in_doubt', `${why}: the message may have been sent or not, and is not sent again`);

/** Marks the next message as being sent by this worker. */
export async function claimNext(tx: Tx, lane: OutboundLane, workerId: string, now: Date): Promise<Claim> {
  await lockChat(tx, lane);
  for (;;) {
    const first = await firstUnsettled(tx, lane, now);
    if (first === null) return { kind: 'none' };
    const { id, status, isHeld, allowRepeat, attempts } = first;
    if (status === 'queued') {
      await markSending(tx, id, workerId, now);
      return { kind: 'claimed', message: { ...first, attempts: attempts + 1 } };
    }
    if (isHeld) return { kind: 'busy' };
    // Each turn settles or queues one message, so the loop ends with the chat.
    if (allowRepeat) await requeueOutbound(tx, id, { now, isSpent: true });
    else {
      const error = reportOf(inDoubt('the worker that sent it died'));
      await settleOutbound(tx, id, { status: 'unknown', error }, now);
      return { kind: 'doubt', id };
    }
  }
}
