// How a platform calls us, and how we know that it is the platform: `POST /webhooks/<platform>/<receiver>`.

import type { InboxEvent } from './events.ts';

/**
 * - `token` the header repeats a secret that we chose; we keep its SHA-256. The receiver is an account.
 * - `hmac_sha256` the header is `prefix` and the hex HMAC of the body's bytes under our app's secret. The receiver is an app.
 */
export type WebhookProof =
  | { readonly kind: 'token'; readonly header: string }
  | { readonly kind: 'hmac_sha256'; readonly header: string; readonly prefix: string };

export interface Webhook {
  readonly proof: WebhookProof;
  /** Largest body that the platform sends, in bytes. */
  readonly maxBytes: number;
  /** `hub`: the platform asks once by GET whether we are the ones it was told of (`hub.verify_token`, `hub.challenge`). */
  readonly handshake?: 'hub';
  /** Cuts a body into events, in their order; none of them is a fine answer. Throws `input.invalid`. */
  eventsOf(body: unknown, receiver: string): readonly InboxEvent[];
}
