// Pages of a stream, at most one of them fetched ahead. An error of the page ahead waits its turn: the page before it is
// stored first.

import { abortable } from '../core/async.ts';

export interface ReadAheadOptions {
  /** False: the next page is asked for only when the consumer comes back, because asking acknowledges the last one. */
  readonly ahead: boolean;
  readonly signal: AbortSignal;
}

/** Rejects with the signal's reason as soon as it fires; leaving the loop early abandons the page ahead. */
export async function* readAhead<P>(pages: AsyncIterable<P>, { ahead, signal }: ReadAheadOptions): AsyncGenerator<P> {
  const iterator = pages[Symbol.asyncIterator]();
  const ask = (): Promise<IteratorResult<P>> => {
    const next = iterator.next();
    // Looked at when its turn comes; until then nobody may call it unhandled.
    next.catch(() => undefined);
    return next;
  };
  try {
    let upcoming = ask();
    for (;;) {
      const { done, value } = await abortable(upcoming, signal);
      if (done) return;
      if (ahead) upcoming = ask();
      yield value;
      if (!ahead) upcoming = ask();
    }
  } finally {
    // Not awaited: it ends when the request in flight has noticed the signal.
    iterator.return?.().catch(() => undefined);
  }
}
