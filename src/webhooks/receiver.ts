// Listens to one account for as long as this worker holds it: tells the platform how, then asks batch after batch. A batch and the
// position after it are stored together before the next question, which acknowledges them; a platform that is asked from an old
// position repeats what was not stored.
//
//   tell the platform → ask → store with position → hand on → ask …
//        └─ webhook ─► look now and then whether it still stands

import { createHash, createHmac } from 'node:crypto';
import type { JobQueue } from '../../queues/port.ts';
import { backoffMs, type Backoff } from '../core/backoff.ts';
import { sleep } from '../core/async.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError, isAbort, reportOf, toAppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Polling } from '../connectors/contract/polling.ts';
import { acquireReceiverLease, changeReceiver, type HeldReceiver } from '../store/event-receivers.ts';
import { storeBatch } from '../store/inbox.ts';
import { parkIntegration } from '../store/parking.ts';
import { releaseLease } from '../store/stream-leases.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { openAccount, type AccountDeps, type OpenAccount } from '../sync/account-context.ts';
import { handOn } from './hand-on.ts';
import { webhookUrl } from './webhook-url.ts';

export interface ReceiverDeps extends AccountDeps {
  readonly queue: Pick<JobQueue, 'enqueueMany'>;
  /** Where platforms reach our webhooks; undefined: nobody said. */
  readonly publicUrl: string | undefined;
  /** Seconds that a platform may hold a question; default: as long as it likes to. */
  readonly waitSeconds?: number;
  /** How often a webhook is looked after; default half an hour. */
  readonly lookEveryMs?: number;
  /** Pauses after failures in a row; default 1 s doubling to a minute. */
  readonly backoff?: Backoff;
}

export interface Receiving {
  readonly held: HeldReceiver;
  readonly connector: AnyConnector;
  readonly polling: Polling<unknown, unknown>;
  readonly signal: AbortSignal;
}

/** One refusal alone may be a hiccup of the platform: so many in a row, minutes apart, are believed. */
const REFUSALS_BELIEVED = 3;
const REFUSED_AGAIN_MS = 2 * MINUTE_MS;
const FAILED_BACKOFF: Backoff = { baseMs: SECOND_MS, capMs: MINUTE_MS };
/** A batch that was lost on the way is asked for again at once; a platform that hands out nothing is not hammered. */
const MAX_FAILURES = 8;
/** Platforms keep for a day what they could not deliver. */
const LOOK_EVERY_MS = 30 * MINUTE_MS;

/** Ends when the signal fires, when somebody else listens, or when it failed. Never throws. */
export async function receive(deps: ReceiverDeps, receiving: Receiving): Promise<void> {
  const { held, signal } = receiving;
  const { platform, accountKey, integrationId } = held;
  const log = deps.log.with({ platform, account: accountKey, integrationId });
  let account: OpenAccount | undefined;
  try {
    // One that stands can wait; a thousand that are looked after at the same instant would be refused.
    if (held.wanted === 'webhook' && held.mode === 'webhook') await sleep(Math.random() * lookEvery(deps), signal);
    account = await open(deps, receiving, log);
    if (account === undefined) return log.emit('receiver.lost');
    if (receiving.connector.accountOf?.(account.credential) !== accountKey)
      throw new AppError('credential.invalid', 'expected a credential of this account, got one of another');
    await tell(deps, receiving, account);
    log.emit('receiver.started', { mode: held.wanted });
    if (held.wanted === 'poll') await listen(deps, receiving, account, log);
    else await lookAfter(deps, receiving, account, log);
  } catch (error) {
    if (signal.aborted && isAbort(error)) return;
    await giveUp(deps, receiving, account?.secrets.mask(error) ?? toAppError(error), log);
  }
}

/** Undefined: this worker does not hold the account any more. */
async function open(deps: ReceiverDeps, { held, connector, signal }: Receiving, log: EventLog) {
  const token = await acquireReceiverLease(deps.db, held);
  if (token === null) return undefined;
  try {
    const { integrationId, settings, workerId } = held;
    return await openAccount(deps, token, {
      connector,
      integrationId,
      settings,
      workerId,
      workClass: 'interactive',
      reason: 'receive',
      signal,
      log,
    });
  } finally {
    await releaseLease(deps.db, token);
  }
}

/** The address that we gave the platform ourselves, maybe when we had another one. */
function isOurs(
  { publicUrl }: ReceiverDeps,
  { platform, accountKey, mode }: Pick<HeldReceiver, 'platform' | 'accountKey' | 'mode'>,
): (address: string) => boolean {
  const path = webhookUrl('', platform, accountKey);
  return (address) =>
    (publicUrl !== undefined && address === webhookUrl(publicUrl, platform, accountKey)) ||
    (mode === 'webhook' && address.endsWith(path));
}

async function tell(deps: ReceiverDeps, receiving: Receiving, account: OpenAccount): Promise<void> {
  const { held, polling } = receiving;
  const { mode, wanted } = held;
  if (mode === wanted) return;
  if (wanted === 'webhook') return await setWebhook(deps, receiving, account);
  // Nobody told the platform of a webhook yet: asking tells whether there is one of somebody else's.
  const stop = (): Promise<void> => polling.stopWebhook(account.context, isOurs(deps, held));
  if (mode === 'webhook') await takeAway(deps, held, stop);
  await changeReceiver(deps.db, held, { mode: 'poll', secretHash: null, errorCode: null });
}

const lost = (): AppError => new AppError('receive.lease_lost', 'another worker listens to the account');

/** The secret is known here before the platform hears of it: what it sends with another one is refused, and comes again. */
async function setWebhook(
  deps: ReceiverDeps,
  { held, polling }: Receiving,
  { context }: Pick<OpenAccount, 'context'>,
): Promise<void> {
  const { publicUrl } = deps;
  if (publicUrl === undefined)
    throw new AppError('config.invalid', 'expected TIDEMARK_PUBLIC_URL for webhooks, got none');
  const url = webhookUrl(publicUrl, held.platform, held.accountKey);
  // The same for whoever sets it: of two whose requests overtake each other, none leaves one that is refused.
  const key = canonicalJson((await context.credential.current()).reveal());
  const secret = new Secret(createHmac('sha256', key).update(url).digest('base64url'));
  const secretHash = createHash('sha256').update(secret.reveal()).digest();
  if (!(await changeReceiver(deps.db, held, { secretHash }))) throw lost();
  await polling.startWebhook(context, { url, secret }, isOurs(deps, held));
  await changeReceiver(deps.db, held, { mode: 'webhook', errorCode: null });
}

const lookEvery = ({ lookEveryMs = LOOK_EVERY_MS }: ReceiverDeps): number => lookEveryMs;

/**
 * A webhook may be gone without a word: the platform gave it up, somebody set another one, or we have another public address. It is
 * set again; one of somebody else's stays.
 */
async function lookAfter(
  deps: ReceiverDeps,
  receiving: Receiving,
  account: OpenAccount,
  log: EventLog,
): Promise<never> {
  const { held, polling, signal } = receiving;
  const { publicUrl } = deps;
  let { refusals } = held;
  for (;;) {
    if (publicUrl !== undefined) {
      const url = webhookUrl(publicUrl, held.platform, held.accountKey);
      const stands = await polling.isWebhookSet(account.context, url);
      refusals = await forgetRefusals(deps, held, refusals);
      if (!stands) {
        log.emit('receiver.webhook_lost');
        await setWebhook(deps, receiving, account);
      }
    }
    await sleep(lookEvery(deps), signal);
  }
}

/** Refusals in a row are believed: any answer ends the row. */
async function forgetRefusals({ db }: ReceiverDeps, held: HeldReceiver, refusals: number): Promise<0> {
  if (refusals > 0) await changeReceiver(db, held, { refusals: 0, errorCode: null });
  return 0;
}

/**
 * Noted before the platform hears of it: whoever takes over then sets the webhook once more, or meets it and takes it away. It may be of
 * whoever took over: who does not hold the account any more leaves it alone.
 */
async function takeAway({ db }: ReceiverDeps, held: HeldReceiver, stop: () => Promise<void>): Promise<void> {
  if (!(await changeReceiver(db, held, { mode: 'poll' }))) throw lost();
  await stop();
}

async function listen(
  deps: ReceiverDeps,
  { held, polling, signal }: Receiving,
  { context, secrets }: OpenAccount,
  log: EventLog,
): Promise<void> {
  const waitSeconds = Math.min(deps.waitSeconds ?? Infinity, polling.longestWaitSeconds);
  const ours = isOurs(deps, { ...held, mode: 'poll' });
  let { position, refusals } = held;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const batch = await polling.poll(context, { position, waitSeconds });
      failures = 0;
      refusals = await forgetRefusals(deps, held, refusals);
      if (batch.events.length === 0 && batch.position === position) continue;
      const arrived = await storeBatch(deps.db, held, batch.position, batch.events);
      position = batch.position;
      await handOn(deps, arrived);
    } catch (error) {
      signal.throwIfAborted();
      const known = secrets.mask(error);
      failures += 1;
      if (failures >= MAX_FAILURES) throw known;
      // Ours from another day, or one that the settings let us take away; anybody else's stays.
      if (known.code === 'receive.webhook_active') await takeAway(deps, held, () => polling.stopWebhook(context, ours));
      else if (!passes(known)) throw known;
      log.emit('receiver.failed', { failures, error: reportOf(known) });
      await sleep(waitAfter(deps, known, failures), signal);
    }
  }
}

function passes({ kind }: AppError): boolean {
  return kind === 'transient' || kind === 'rate_limited';
}

/** Told waits get something on top, so that a thousand accounts do not return at one instant. */
function waitAfter({ backoff = FAILED_BACKOFF }: ReceiverDeps, { retryAfterMs }: AppError, failures: number): number {
  return (retryAfterMs ?? 0) + backoffMs(backoff, failures, Math.random());
}

async function giveUp(deps: ReceiverDeps, { held }: Receiving, error: AppError, log: EventLog): Promise<void> {
  const { db, clock } = deps;
  try {
    if (error.kind === 'conflict') return log.emit('receiver.lost');
    const refusals = error.kind === 'auth' ? held.refusals + 1 : 0;
    const isOver = error.kind === 'auth' ? refusals >= REFUSALS_BELIEVED : !passes(error);
    const waitMs = error.kind === 'auth' ? REFUSED_AGAIN_MS : waitAfter(deps, error, MAX_FAILURES);
    await changeReceiver(db, held, { refusals: isOver ? 0 : refusals, errorCode: error.code, waitMs });
    log.emit(isOver ? 'receiver.parked' : 'receiver.failed', { error: reportOf(error) });
    if (!isOver) return;
    const token = await acquireReceiverLease(db, held);
    if (token === null) return;
    await db.tx({ kind: 'lease', token }, (tx) =>
      parkIntegration(tx, held.integrationId, reportOf(error), clock.now()),
    );
    await releaseLease(db, token);
  } catch (failure) {
    // The database is away: whoever holds the account next finds out again.
    log.emit('receiver.failed', { error: reportOf(failure) });
  }
}
