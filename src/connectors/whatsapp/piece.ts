// What a call of the webhook is cut into.

/** A part of a change that is an event of its own. */
export interface Piece {
  readonly kind: string;
  /** Stable over replays; null: made of the content. */
  readonly key: string | null;
  /** Null: nobody's in particular. */
  readonly lane: string | null;
  /** What stands in the body beside the circumstances. */
  readonly body: Readonly<Record<string, unknown>>;
}
