// One POST of one update to a webhook, with what may go wrong on its way.

import type { Fault, Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import type { PlatformTime } from './time.ts';
import type { TelegramTraps } from './traps.ts';
import type { Queued } from './update-queue.ts';
import { updateBody } from './updates.ts';

export interface WebhookTarget {
  readonly url: string;
  /** Empty: no header. */
  readonly secretToken: string;
  readonly maxConnections: number;
}

export interface Deliverer {
  readonly account: string;
  readonly time: PlatformTime;
  readonly traps: TelegramTraps;
  /** One entry for each POST: `operation` is the kind of the update. */
  readonly journal: Journal;
  /**
   * `reset` never arrives, `reset-after-processing` arrives and its answer is lost, `slow` and `hold` come late; others have
   * no meaning here.
   */
  readonly faults: Faults;
  /** Where a webhook's address leads to; must be a loopback address. */
  readonly resolve: (url: URL) => URL;
}

export interface Outcome {
  /** Absent: it was taken. */
  readonly error?: string;
  readonly status?: number;
  readonly retryAfterSeconds: number;
  /** JSON object of a success. */
  readonly body?: Readonly<Record<string, unknown>>;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
const CLOSED: Outcome = { error: 'Webhook connection closed', retryAfterSeconds: 0 };
const TIMEOUT_MS = 60_000;

export async function postUpdate(
  deliverer: Deliverer,
  target: WebhookTarget,
  queued: Queued,
  signal: AbortSignal,
): Promise<Outcome> {
  const { account, time, journal, faults } = deliverer;
  const url = deliverer.resolve(new URL(target.url));
  const subject = { operation: queued.kind, path: url.pathname, account };
  const entry = journal.open({ method: 'POST', ...subject, at: time.now(), monoMs: time.mono() });
  const fault = faults.take(subject);
  entry.fault = fault?.kind;
  const outcome = await carry(fault, { deliverer, target, queued, url, signal });
  journal.close(entry, outcome.status ?? 0);
  return outcome;
}

interface Parcel {
  readonly deliverer: Deliverer;
  readonly target: WebhookTarget;
  readonly queued: Queued;
  readonly url: URL;
  readonly signal: AbortSignal;
}

async function carry(fault: Fault | undefined, parcel: Parcel): Promise<Outcome> {
  const { deliverer, signal, url } = parcel;
  if (!LOOPBACK.has(url.hostname)) return { ...CLOSED, error: 'Failed to resolve host: Name or service not known' };
  if (fault?.kind === 'reset') return CLOSED;
  if (fault?.kind === 'slow') await deliverer.time.wait(fault.ms, signal);
  if (fault?.kind === 'hold') await untilSettled(fault.until, signal);
  if (signal.aborted) return CLOSED;
  const outcome = await post(parcel);
  return fault?.kind === 'reset-after-processing' ? CLOSED : outcome;
}

async function post({ target, queued, url, signal }: Parcel): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      // The platform follows no redirect.
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        ...(target.secretToken !== '' && { 'x-telegram-bot-api-secret-token': target.secretToken }),
      },
      body: JSON.stringify(updateBody(queued)),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    return outcomeOf(response, await response.text());
  } catch {
    return CLOSED;
  }
}

function outcomeOf({ ok, status, statusText, headers }: Response, text: string): Outcome {
  if (ok) return { status, retryAfterSeconds: 0, ...methodCall(text) };
  return {
    status,
    error: `Wrong response from the webhook: ${status} ${statusText}`,
    retryAfterSeconds: Number.parseInt(headers.get('retry-after') ?? '0', 10) || 0,
  };
}

function methodCall(text: string): Pick<Outcome, 'body'> {
  try {
    const body: unknown = JSON.parse(text);
    if (body !== null && typeof body === 'object' && 'method' in body) return { body: { ...body } };
  } catch {
    // An answer that is no JSON is as good as an empty one.
  }
  return {};
}

async function untilSettled(until: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  await Promise.race([until, promise]).catch(() => undefined);
  signal.removeEventListener('abort', onAbort);
}
