// A callback address as a platform sees it: shakes hands, checks signatures over the raw bytes, and remembers every POST.

import { createHmac } from 'node:crypto';
import { serve, type Asked } from './loopback.ts';

export interface ReceivedWebhook {
  readonly headers: Asked['headers'];
  /** As it came. */
  readonly raw: string;
  /** Whether `x-hub-signature-256` fits these bytes. */
  readonly isSigned: boolean;
  readonly payload: HubPayload;
}

export interface HubPayload {
  readonly object: string;
  readonly entry: readonly HubEntry[];
}

export interface HubEntry {
  readonly id: string;
  readonly time?: number;
  readonly changes: readonly HubChange[];
}

export interface HubChange {
  readonly field: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedWebhook[];
  /** Every change of every POST, in their order. */
  changes(field?: string): readonly HubChange[];
  /** Elements of the list with this name over all values: `messages`, `statuses`, `history`. */
  all(list: string): readonly Readonly<Record<string, unknown>>[];
  /** Answers the next POSTs with these statuses, then with 200 again; null breaks the connection. */
  answerWith(...statuses: (number | null)[]): void;
}

/** Starts a receiver for an app with this secret and verify token; it ends with the test. */
export async function webhookReceiver(app: {
  readonly secret: string;
  readonly verifyToken: string;
}): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const planned: (number | null)[] = [];
  const { origin } = await serve((response, { method, url, headers, body }) => {
    if (method === 'GET') {
      const query = new URL(url, 'http://receiver').searchParams;
      const isOurs = query.get('hub.mode') === 'subscribe' && query.get('hub.verify_token') === app.verifyToken;
      response.writeHead(isOurs ? 200 : 403, { 'content-type': 'text/plain' });
      response.end(isOurs ? query.get('hub.challenge') : 'no');
      return;
    }
    const right = `sha256=${createHmac('sha256', app.secret).update(Buffer.from(body)).digest('hex')}`;
    const isSigned = headers['x-hub-signature-256'] === right;
    received.push({ headers, raw: body, isSigned, payload: JSON.parse(body) as HubPayload });
    const status = planned.length === 0 ? 200 : planned.shift()!;
    if (status === null) response.destroy();
    else response.writeHead(status).end();
  });
  const changes = (field?: string): readonly HubChange[] =>
    received
      .flatMap(({ payload }) => payload.entry.flatMap((entry) => entry.changes))
      .filter((change) => (field ?? change.field) === change.field);
  return {
    url: `${origin}/webhooks/whatsapp`,
    received,
    changes,
    all: (list) => changes().flatMap(({ value }) => (value[list] ?? []) as Readonly<Record<string, unknown>>[]),
    answerWith: (...statuses) => void planned.push(...statuses),
  };
}
