// `POST /{number}/messages`: everything that can keep a message from being accepted, in the order in which it is looked at, and
// what becomes of one that was accepted.

import { userIdOf } from './changes.ts';
import type { AcceptedMessage } from './conversations.ts';
import { GraphFailure } from './failure.ts';
import { bodyOf, type GraphCall, type GraphParts, type NodeOf } from './graph.ts';
import { checkMessage, type Body } from './outgoing.ts';
import { TokenBucket, type BucketLimit } from '../token-bucket.ts';
import { statusChange } from './statuses.ts';
import type { Contact, PhoneNumber, Waba, World } from './world.ts';

type Call = GraphCall<NodeOf<'number'>>;

/** Handler with buckets of its own. */
export function createSending(): (call: Call) => Promise<object> {
  const isGranted = createBuckets();
  return async (call) => {
    const { parts, node, request } = call;
    const { number } = node;
    const body = bodyOf(request);
    if (body['status'] === 'read') return markRead(body);
    if (!isGranted(parts, number.id, { perSecond: number.throughput, burst: number.throughput }))
      throw new GraphFailure(130_429, { details: 'Message failed to send because of too many messages per second.' });
    const type = checkMessage(body, number.waba);
    const { input, to } = recipientOf(parts.world, number.waba, body);
    const message: AcceptedMessage = {
      id: parts.ids.message(input),
      number,
      to,
      input,
      at: parts.now(),
      type,
      body,
      statuses: [],
    };
    const failure = failureOf(() => {
      refuse(parts, message, isGranted);
    });
    if (failure !== null && !parts.traps.refusedLater.has(failure.code)) throw failure;
    parts.conversations.accept(message);
    tellStatuses(parts, message, failure);
    if (parts.traps.statusesBeforeAnswer) await parts.webhooks.flush();
    return answerOf(message);
  };
}

type Granted = (parts: GraphParts, key: string, limit: BucketLimit) => boolean;

function createBuckets(): Granted {
  const buckets = new Map<string, TokenBucket>();
  return ({ mono }, key, limit) => {
    const bucket = buckets.get(key) ?? new TokenBucket(limit, mono);
    buckets.set(key, bucket);
    bucket.change(limit);
    return bucket.take().granted;
  };
}

/** Throws the first reason against this message. */
function refuse(parts: GraphParts, { number, to, type }: AcceptedMessage, isGranted: Granted): void {
  const { refusals, limits, conversations, now } = parts;
  const recipients = [to.waId, userIdOf(to, number.waba)].filter((id) => id !== null);
  refusals.check({ edge: 'messages', nodes: [number.id, number.waba.id], recipients });
  if (!to.isReachable) throw new GraphFailure(131_026, { details: 'Message Undeliverable.' });
  if (!isGranted(parts, `${number.id} ${to.key}`, limits.pair))
    throw new GraphFailure(131_056, {
      details: 'Too many messages sent from the sender phone number to the same recipient phone number.',
    });
  if (type !== 'template' && !conversations.isOpen(number, to, now()))
    throw new GraphFailure(131_047, {
      details: 'More than 24 hours have passed since the recipient last replied to the sender number.',
    });
}

function failureOf(work: () => void): GraphFailure | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof GraphFailure) return error;
    throw error;
  }
}

/** `to` is a number in any spelling and goes before `recipient`, a user id. Throws 131026 for nobody. */
function recipientOf({ contacts }: World, waba: Waba, body: Body): { readonly input: string; readonly to: Contact } {
  const [phone, userId] = [body['to'], body['recipient']];
  const input = typeof phone === 'string' ? phone : userId;
  if (typeof input !== 'string' || input === '')
    throw new GraphFailure(131_008, { details: 'Parameter to is required' });
  const digits = input.replaceAll(/\D/g, '');
  const to =
    phone === undefined
      ? contacts.find((contact) => userIdOf(contact, waba) === input)
      : contacts.find(({ waId, dialled }) => waId === digits || dialled.includes(digits));
  if (to === undefined) throw new GraphFailure(131_026, { details: 'Message Undeliverable.' });
  return { input, to };
}

function tellStatuses(parts: GraphParts, message: AcceptedMessage, failure: GraphFailure | null): void {
  const { webhooks, traps, now } = parts;
  const words = failure === null ? traps.statusesOnSend : (['failed'] as const);
  for (const status of words) {
    const code = failure === null ? {} : { code: failure.code };
    webhooks.publish(statusChange({ message, status, now: now(), ...code }, traps));
  }
}

/** The person's `wa_id` may be another number than the one that was dialled. */
function answerOf({ id, to, input, number }: AcceptedMessage): object {
  const named = to.waId === null ? { user_id: userIdOf(to, number.waba) } : { wa_id: to.waId };
  return {
    messaging_product: 'whatsapp',
    contacts: [{ input, ...named }],
    messages: [{ id, message_status: 'accepted' }],
  };
}

function markRead(body: Body): object {
  if (typeof body['message_id'] !== 'string') throw new GraphFailure(131_009, { details: 'message_id is required' });
  return { success: true };
}

/** Whoever was written to, by `wa_id`, user id or as the person itself. */
export function contactBy({ contacts }: World, number: PhoneNumber, who: Contact | string): Contact {
  if (typeof who !== 'string') return who;
  const found = contacts.find((contact) => contact.waId === who || userIdOf(contact, number.waba) === who);
  if (found === undefined) throw new Error(`expected somebody in the simulated world, got ${who}`);
  return found;
}
