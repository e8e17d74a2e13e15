// One thing that a platform told of its own accord, on its way through the inbox.

/** One thing that a platform told, cut out of the batch it came in. */
export interface InboxEvent {
  /** The account at the platform that was told: whose integrations get it. */
  readonly accountId: string;
  /** What was told again has the same key, and two different things never have. At most 500 characters. */
  readonly eventKey: string;
  /** Events of one lane are processed in the order in which they came: a chat. At most 200 characters. */
  readonly lane: string;
  /** The platform's word for what it is. */
  readonly kind: string;
  /** JSON as it came; ids that a double cannot hold are text. */
  readonly body: unknown;
}

/** An event out of the inbox. */
export interface StoredEvent extends Omit<InboxEvent, 'lane'> {
  readonly receivedAt: Date;
}
