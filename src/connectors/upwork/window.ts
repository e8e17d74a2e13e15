// Which of the records that came belong to a pass. Upwork's lists know no dates: they are read newest first, and what a
// backfill did not ask for is left out here.

import type { Plan } from '../contract/stream.ts';

/** Whether a pass keeps the record: a backfill those of its window and those that do not say when, any other pass all. */
export function keeps(
  { type, since, until }: Plan<unknown>,
  instantOf: (raw: unknown) => Date | null,
): (raw: unknown) => boolean {
  if (type !== 'backfill') return () => true;
  return (raw) => {
    const at = instantOf(raw);
    return at === null || ((since === null || at >= since) && at < until);
  };
}
