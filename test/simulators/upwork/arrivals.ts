// What reached the simulated Upwork, told from its own journal: the fullest window, the share of its limit that was used,
// and who got how much of it. Counts requests to the API (`/api/graphql`); the token endpoint has a limit of its own.

import type { Journal, JournalEntry } from '../journal.ts';

/** Upwork's limit of an egress address. */
export const UPWORK_LIMIT = { max: 300, windowMs: 60_000 } as const;

export function isApiRequest({ path }: Pick<JournalEntry, 'path'>): boolean {
  return path === '/api/graphql';
}

export interface Arrivals {
  readonly requests: number;
  /** Greatest number in any sliding window of `windowMs`. */
  readonly mostInWindow: number;
  /** Answered 429. */
  readonly refused: number;
  /** Average number in a window from the first arrival to the last, as a part of `max`. */
  readonly share: number;
  /** Requests by account. */
  readonly byAccount: ReadonlyMap<string, number>;
}

export interface ArrivalOptions {
  readonly max: number;
  readonly windowMs: number;
  /** Looks at the first so many milliseconds after the first arrival only. Default: at everything. */
  readonly forMs?: number;
}

/** Reads the monotonic axis of the journal, where an entry stands at the instant at which its request was there whole. */
export function arrivalsOf(journal: Journal, { max, windowMs, forMs = Infinity }: ArrivalOptions): Arrivals {
  const first = journal.entries.find(isApiRequest)?.monoMs ?? 0;
  const isSeen = (entry: JournalEntry): boolean => isApiRequest(entry) && entry.monoMs - first < forMs;
  const seen = journal.entries.filter(isSeen);
  const spanMs = (seen.at(-1)?.monoMs ?? first) - first;
  const byAccount = new Map<string, number>();
  for (const { account = 'unknown' } of seen) byAccount.set(account, (byAccount.get(account) ?? 0) + 1);
  return {
    requests: seen.length,
    mostInWindow: journal.maxInWindow(windowMs, isSeen),
    refused: seen.filter(({ status }) => status === 429).length,
    share: spanMs === 0 ? 0 : ((seen.length - 1) * windowMs) / spanMs / max,
    byAccount,
  };
}
