// The handler of `message.send`: sends what is first in the message's chat, until the message itself is settled. What is being
// sent is committed before it is sent and what came of it afterwards, so that at any moment it is known who may have sent what.
//
//   lease → (claim the first of the chat → send → settle with its record) until this one is settled

import { completed, discard, snooze, type Outcome } from '../../queues/outcome.ts';
import type { Handler, JobContext } from '../../queues/port.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { AppError, reportOf, toAppError } from '../core/errors.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import { outgoingSchema, type Sending, type Sent } from '../connectors/contract/sending.ts';
import { linkMigrated } from '../store/message-facts.ts';
import {
  outboundPlaceOf,
  requeueOutbound,
  settleOutbound,
  type OutboundPlace,
  type QueuedMessage,
} from '../store/outbound.ts';
import { acquireLease, releaseLease } from '../store/stream-leases.ts';
import { persistSpent } from '../sync/persist-spent.ts';
import { openAccount, type AccountDeps, type OpenAccount } from '../sync/account-context.ts';
import { noteMessages } from '../sync/message-metrics.ts';
import { storeRecords } from '../sync/store-records.ts';
import { claimNext, inDoubt } from './claim-message.ts';
import { judgeFailure, MAX_TRIES } from './judge-failure.ts';

export interface SendDeps extends AccountDeps {
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  /** Awaited before and after the platform is asked; for tests that stop the worker there. */
  readonly onSend?: (step: 'claimed' | 'sent' | 'settled') => Promise<void>;
}

type Job = JobContext<'message.send'>;

interface Work {
  readonly job: Job;
  readonly token: string;
  readonly place: OutboundPlace;
  readonly connector: AnyConnector;
  readonly sending: Sending<unknown, unknown>;
  readonly account: OpenAccount;
}

/** Messages that one job sends before its own. */
const MAX_BEFORE = 1_000;
const BUSY_MS = 250;
const UNABLE_MS = MINUTE_MS;
const EARLY_MS = 1_000;

export function createSendHandler(deps: SendDeps): Handler<'message.send'> {
  return async (job) => {
    const token = await acquireLease(deps.db, job.jobId, job.workerId);
    if (token === null) return discard('the job is no longer this worker’s');
    try {
      const place = await deps.db.tx({ kind: 'lease', token }, (tx) => outboundPlaceOf(tx, job.payload.messageId));
      if (place === null) return discard('the message is gone');
      if (place.status !== 'queued' && place.status !== 'sending') return completed({ status: place.status });
      if (!place.isConnected) return snooze(UNABLE_MS, 'the integration is paused or not connected');
      return await sendChat(deps, await workOf(deps, job, token, place));
    } finally {
      await releaseLease(deps.db, token);
    }
  };
}

async function workOf(deps: SendDeps, job: Job, token: string, place: OutboundPlace): Promise<Work> {
  const connector = deps.connectors.get(place.platformId);
  const sending = connector?.sending;
  if (connector === undefined || sending === undefined)
    throw new AppError('config.invalid', `nothing can be sent to ${place.platformId}`);
  const { integrationId, settings } = place;
  const { workerId, workClass, signal, log } = job;
  const account = await openAccount(deps, token, {
    connector,
    integrationId,
    settings,
    workerId,
    workClass,
    reason: 'send',
    signal,
    log,
  });
  return { job, token, place, connector, sending, account };
}

async function sendChat(deps: SendDeps, work: Work): Promise<Outcome> {
  const { job } = work;
  let { chatKey } = work.place;
  for (let sent = 0; sent < MAX_BEFORE; sent += 1) {
    if (job.draining.aborted) return snooze(0, 'the worker drains');
    const lane = { integrationId: work.place.integrationId, chatKey };
    const claim = await deps.db.tx({ kind: 'lease', token: work.token }, (tx) =>
      claimNext(tx, lane, job.workerId, deps.clock.now()),
    );
    if (claim.kind === 'none') return await whenNothingIsDue(deps, work);
    if (claim.kind === 'busy') return snooze(BUSY_MS, 'another worker is sending to this chat');
    if (claim.kind === 'doubt') {
      job.log.emit('message.in_doubt', { messageId: claim.id });
      if (claim.id === job.payload.messageId) return completed({ status: 'unknown' });
      continue;
    }
    const result = await sendOne(deps, work, claim.message);
    chatKey = result.movedTo ?? chatKey;
    if (claim.message.id === job.payload.messageId && result.movedTo === undefined) return completed(result);
  }
  return snooze(0, 'the chat goes on');
}

/** Others may have settled the message; or this machine's clock is a little behind the one that brought the job. */
async function whenNothingIsDue({ db }: SendDeps, { job, token }: Work): Promise<Outcome> {
  const place = await db.tx({ kind: 'lease', token }, (tx) => outboundPlaceOf(tx, job.payload.messageId));
  if (place?.status === 'queued') return snooze(EARLY_MS, 'the message may not leave yet');
  return completed({ status: place?.status ?? 'gone' });
}

interface Result {
  readonly status: 'sent' | 'failed' | 'unknown' | 'queued';
  readonly platformMessageId?: string;
  readonly code?: string;
  readonly movedTo?: string;
}

/** Throws where the message goes back into the queue. */
async function sendOne(deps: SendDeps, work: Work, queued: QueuedMessage): Promise<Result> {
  const { job, account, sending } = work;
  await deps.onSend?.('claimed');
  let sent: Sent;
  try {
    const message = outgoingSchema.safeParse(queued.message);
    if (!message.success)
      throw new AppError('message.refused', `the message is none: ${message.error.issues[0]?.message}`);
    sending.check(message.data);
    sent = await sending.send(account.context, message.data);
  } catch (error) {
    return await settleFailure(deps, work, queued, error);
  }
  await deps.onSend?.('sent');
  const { platformMessageId, records } = sent;
  await persistSpent(deps, work.token, async (tx) => {
    const now = deps.clock.now();
    await settleOutbound(tx, queued.id, { status: 'sent', platformMessageId }, now);
    await storeRecords(tx, { ...work.place, now }, records);
  });
  await deps.onSend?.('settled');
  job.log.emit('message.sent', { messageId: queued.id });
  await noteMessages(deps, work, { messages_sent: 1 }, job.log);
  return { status: 'sent', platformMessageId };
}

async function settleFailure(deps: SendDeps, work: Work, queued: QueuedMessage, thrown: unknown): Promise<Result> {
  const { job, token, account, place } = work;
  const isAborted = job.signal.aborted;
  // Whatever was under way when the signal fired may have been sent.
  const error = isAborted ? inDoubt('the worker was told to stop') : account.secrets.mask(toAppError(thrown));
  const failure = isAborted ? ({ kind: 'doubt' } as const) : judgeFailure(error, queued.attempts);
  const now = deps.clock.now();
  const inTx = <T>(step: Parameters<typeof persistSpent<T>>[2]): Promise<T> => persistSpent(deps, token, step);
  if (failure.kind === 'again' || (failure.kind === 'doubt' && queued.allowRepeat && queued.attempts < MAX_TRIES)) {
    const isSpent = failure.kind !== 'again' || failure.isSpent;
    await inTx((tx) => requeueOutbound(tx, queued.id, { now, isSpent }));
    // A repetition that the caller allowed waits like any other failure that passes.
    throw failure.kind === 'again' ? error : new AppError('http.unavailable', error.message, { cause: error });
  }
  if (failure.kind === 'moved') {
    const { chatKey } = failure;
    await inTx(async (tx) => {
      await requeueOutbound(tx, queued.id, { now, isSpent: true, chatKey });
      await linkMigrated(tx, { ...place, now }, [{ fromChatKey: place.chatKey, toChatKey: chatKey, at: now }]);
    });
    return { status: 'queued', movedTo: chatKey };
  }
  const isDoubt = failure.kind === 'doubt';
  const told = isDoubt && error.code !== 'message.in_doubt' ? inDoubt(`no answer came (${error.code})`) : error;
  const status = isDoubt ? ('unknown' as const) : ('failed' as const);
  await inTx((tx) => settleOutbound(tx, queued.id, { status, error: reportOf(told) }, now));
  job.log.emit(isDoubt ? 'message.in_doubt' : 'message.failed', { messageId: queued.id, code: error.code });
  return { status, code: told.code };
}
