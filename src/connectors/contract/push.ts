// Notifications that a platform sends of its own accord. Nobody signs them, so nothing in them is believed but their kind: each is
// a hint that some streams are worth reading now.

export interface PushNotice {
  /** The platform's word for what happened; null: it only asks whether somebody listens. */
  readonly kind: string | null;
  /** The account that it names; must be the integration's own. Null: a notice without a kind names none. */
  readonly accountId: string | null;
  /** Streams that may have something new. */
  readonly streams: readonly string[];
  /** False: a kind that we have never heard of. */
  readonly isKnown: boolean;
}

export interface Push {
  /** Reads the JSON of a notification; null: it is none. Never throws. */
  read(body: unknown): PushNotice | null;
  /** The JSON by which the platform knows that its notification has arrived. */
  answer(notice: PushNotice, at: Date): object;
}
