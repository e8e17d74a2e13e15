// What a simulator was asked and what it answered, in order, with waits that end on an event instead of a sleep.
// Keeps the newest entries only (bounded); the counters stay exact. Never holds a header, a token or a body.

export interface JournalEntry {
  /** 1, 2, 3… in order of arrival. */
  readonly seq: number;
  readonly method: string;
  /** With the host label first: `/api/graphql`, `/www/api/v3/oauth2/token`. */
  readonly path: string;
  /** What is asked, stably: GraphQL root fields joined by `+` (`vendorProposals`), or a name the route gives itself. */
  operation?: string | undefined;
  /** GraphQL operation name as the client chose it. */
  operationName?: string | undefined;
  /** What the simulator takes for the tenant: for Upwork the value of `X-Upwork-API-TenantId`. */
  tenant?: string | undefined;
  /** Account whose token was used; undefined for an unknown token. */
  account?: string | undefined;
  /** Null until answered; 0 when the connection was reset. */
  status: number | null;
  /** Kind of the fault that hit this request. */
  fault?: string | undefined;
  /** Wall clock of the simulator (injected). */
  readonly at: Date;
  /** Monotonic milliseconds of arrival (injected); the axis of `maxInWindow`. */
  readonly monoMs: number;
}

export type JournalPredicate = (entry: JournalEntry) => boolean;

interface Waiter {
  readonly predicate: JournalPredicate;
  readonly resolve: (entry: JournalEntry) => void;
}

const MAX_ENTRIES = 200_000;

/** The request journal of one simulator. */
export class Journal {
  /** Oldest first; at most 200,000. */
  readonly entries: JournalEntry[] = [];
  #seq = 0;
  #waiters = new Set<Waiter>();

  /** Number of requests since the start or the last `clear`, beyond the bound of `entries` too. */
  total = 0;

  /** Called by the server when a request has arrived. */
  open(entry: Omit<JournalEntry, 'seq' | 'status'>): JournalEntry {
    const opened: JournalEntry = { ...entry, seq: ++this.#seq, status: null };
    this.total += 1;
    this.entries.push(opened);
    if (this.entries.length > MAX_ENTRIES) this.entries.splice(0, MAX_ENTRIES / 10);
    this.#notify(opened);
    return opened;
  }

  /** Called by the server when the answer was handed over (0 for a reset). */
  close(entry: JournalEntry, status: number): void {
    entry.status = status;
    this.#notify(entry);
  }

  /** Entries of `predicate` kept so far. */
  count(predicate: JournalPredicate = () => true): number {
    return this.entries.reduce((sum, entry) => sum + (predicate(entry) ? 1 : 0), 0);
  }

  /** Entries by `operation` (or path where there is none). */
  countsByOperation(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const entry of this.entries) {
      const key = entry.operation ?? entry.path;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }

  /**
   * Largest number of arrivals inside any half-open window of `windowMs`: the proof that a client kept a limit.
   * Reads the monotonic axis, so a turned wall clock does not hide anything.
   */
  maxInWindow(windowMs: number, predicate: JournalPredicate = () => true): number {
    const times = this.entries.filter(predicate).map((entry) => entry.monoMs);
    let most = 0;
    let first = 0;
    for (let last = 0; last < times.length; last++) {
      while (times[last]! - times[first]! >= windowMs) first += 1;
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  /**
   * The first entry that satisfies the predicate: among those already there (from `sinceSeq` on), else the next one.
   * Looked at twice, on arrival (`status` null) and when answered: `(e) => e.status === 200` waits for the answer.
   */
  async waitForRequest(
    predicate: JournalPredicate,
    { sinceSeq = 0, signal }: { sinceSeq?: number; signal?: AbortSignal } = {},
  ): Promise<JournalEntry> {
    const matches: JournalPredicate = (entry) => entry.seq > sinceSeq && predicate(entry);
    const present = this.entries.find(matches);
    if (present !== undefined) return present;
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<JournalEntry>();
    const waiter: Waiter = { predicate: matches, resolve };
    const onAbort = (): void => reject(signal?.reason);
    this.#waiters.add(waiter);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Sequence number of the newest entry, to wait for what comes after. */
  get lastSeq(): number {
    return this.#seq;
  }

  clear(): void {
    this.entries.length = 0;
    this.total = 0;
  }

  #notify(entry: JournalEntry): void {
    for (const waiter of this.#waiters) {
      if (waiter.predicate(entry)) waiter.resolve(entry);
    }
  }
}
