// Sends webhooks as Meta does: signed over the raw bytes, again until somebody says 2xx, up to seven days. Attempts that are
// hours apart there are milliseconds apart here.

import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { WhatsappTraps } from './traps.ts';
import type { App } from './world.ts';

/** One POST, with all attempts to bring it. */
export interface Delivery {
  readonly app: App;
  readonly url: string;
  /** ASCII: its signs are its bytes. */
  readonly body: string;
  readonly firstAt: Date;
  /** HTTP status of each attempt; null: no answer. */
  readonly attempts: (number | null)[];
  state: 'waiting' | 'delivered' | 'given_up';
}

export interface WebhookSender {
  /** Newest last; at most 10,000. */
  readonly deliveries: readonly Delivery[];
  send(app: App, url: string, body: string): Delivery;
  /** The same bytes once more, as a platform does that missed the answer. Throws after the seven days. */
  replay(delivery: Delivery): Delivery;
  /** Keeps what comes from now on; the returned function lets it go, in this order. */
  hold(): (order?: 'kept' | 'reversed') => void;
  /** Resolves when everything was delivered. Rejects when something was given up, or is held. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export interface SenderOptions {
  readonly now: () => Date;
  readonly traps: WhatsappTraps;
  /** Pauses between attempts; their number is the number of repetitions. */
  readonly retryDelaysMs?: readonly number[];
  readonly answerTimeoutMs?: number;
}

const SEVEN_DAYS_MS = 7 * 86_400_000;
const MAX_DELIVERIES = 10_000;
const RETRY_DELAYS_MS = [5, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000, 1_000];
const ANSWER_TIMEOUT_MS = 10_000;

export function createWebhookSender(options: SenderOptions): WebhookSender {
  const { now, traps, retryDelaysMs = RETRY_DELAYS_MS, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  const deliveries: Delivery[] = [];
  const waiting: Delivery[] = [];
  const pending = new Set<Promise<void>>();
  let stopping = new AbortController();
  let running = 0;
  let isHeld = false;
  const attempt = async (delivery: Delivery): Promise<boolean> => {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(answerTimeoutMs)]);
    const status = await post(delivery, { traps, signal });
    delivery.attempts.push(status);
    return status !== null && status >= 200 && status < 300;
  };
  const again = async (delivery: Delivery): Promise<void> => {
    for (const pauseMs of retryDelaysMs) {
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted || now().getTime() - delivery.firstAt.getTime() > SEVEN_DAYS_MS) break;
      if (!(await attempt(delivery))) continue;
      delivery.state = 'delivered';
      return;
    }
    delivery.state = 'given_up';
  };
  const first = async (delivery: Delivery): Promise<void> => {
    running += 1;
    const isDone = await attempt(delivery);
    if (isDone) {
      delivery.state = 'delivered';
      for (let more = 0; more < traps.duplicates; more++) await attempt(delivery);
    }
    running -= 1;
    // Repetitions hold nobody up: what comes later may arrive earlier.
    if (!isDone) track(again(delivery));
    pump();
  };
  const track = (work: Promise<void>): void => {
    const tracked = work.finally(() => pending.delete(tracked));
    pending.add(tracked);
  };
  const pump = (): void => {
    if (isHeld) return;
    while (waiting.length > 0 && running < traps.deliveriesAtOnce) track(first(waiting.shift()!));
  };
  const send: WebhookSender['send'] = (app, url, body) => {
    const delivery: Delivery = { app, url, body, firstAt: now(), attempts: [], state: 'waiting' };
    deliveries.push(delivery);
    if (deliveries.length > MAX_DELIVERIES) deliveries.shift();
    waiting.push(delivery);
    pump();
    return delivery;
  };
  return {
    deliveries,
    send,
    replay({ app, url, body, firstAt }) {
      if (now().getTime() - firstAt.getTime() > SEVEN_DAYS_MS)
        throw new Error('expected a delivery of the last seven days: Meta repeats no older one');
      return send(app, url, body);
    },
    hold() {
      isHeld = true;
      return (order = 'kept') => {
        isHeld = false;
        if (order === 'reversed') waiting.reverse();
        pump();
      };
    },
    async flush() {
      while (pending.size > 0) await Promise.all(pending);
      if (isHeld && waiting.length > 0) throw new Error(`${waiting.length} webhooks are held: release them first`);
      const lost = deliveries.filter(({ state }) => state === 'given_up');
      if (lost.length === 0) return;
      const attempts = lost.map((delivery) => delivery.attempts.join(', ')).join('; ');
      throw new Error(`${lost.length} webhooks were given up; statuses of their attempts: ${attempts}`);
    },
    async stop() {
      stopping.abort();
      waiting.length = 0;
      await Promise.allSettled(pending);
      stopping = new AbortController();
    },
  };
}

async function post(
  { app, url, body }: Delivery,
  { traps, signal }: { readonly traps: WhatsappTraps; readonly signal: AbortSignal },
): Promise<number | null> {
  try {
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'facebookexternalua',
      ...signatures(app, body, traps.signature),
    };
    const answer = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return null;
  }
}

/** Headers over exactly these bytes, keyed by the app's secret. */
function signatures({ secret }: App, body: string, how: WhatsappTraps['signature']): Record<string, string> {
  const hex = (algorithm: string, key: string): string => createHmac(algorithm, key).update(body).digest('hex');
  const old = { 'x-hub-signature': `sha1=${hex('sha1', secret)}` };
  const right = hex('sha256', secret);
  switch (how) {
    case 'valid':
      return { ...old, 'x-hub-signature-256': `sha256=${right}` };
    case 'missing':
      return {};
    case 'wrong':
      return { 'x-hub-signature-256': `sha256=${hex('sha256', `${secret} of somebody else`)}` };
    case 'short':
      return { 'x-hub-signature-256': `sha256=${right.slice(0, 40)}` };
    case 'sha1_only':
      return old;
  }
}
