// Which postings may still change, for a list that cannot be asked what did. Kept in the cursor, so it has a bound: beyond it only
// the order time of the oldest is kept, and everything from there on is listed again.

import { z } from 'zod';
import { keyIn } from '../toolkit/parse-record.ts';
import { isFinal } from './schemas/posting-status.ts';

/** Numbers have about 20 characters; a cursor has 64 KiB. */
const MAX_OPEN = 1_500;

export const openSchema = z.strictObject({
  numbers: z.array(z.string()).max(MAX_OPEN),
  /** Order time of the oldest open posting when there are too many to name; else null. */
  from: z.iso.datetime().nullable(),
});
export type Open = z.output<typeof openSchema>;

export const NONE_OPEN: Open = { numbers: [], from: null };

export interface OpenPostings {
  /** Looks at a raw posting. */
  note(raw: unknown): void;
  /** Those named before that were not looked at since. */
  unseen(): readonly string[];
  /** For a number that the platform does not know any more. */
  forget(number: string): void;
  state(): Open;
}

export function createOpenPostings({ numbers, from }: Open): OpenPostings {
  // By order time where it is known, so that the oldest can be told.
  const open = new Map<string, string | null>(numbers.map((number) => [number, null]));
  const seen = new Set<string>();
  return {
    note(raw) {
      const number = keyIn(raw, 'posting_number');
      if (number === null) return;
      seen.add(number);
      if (isFinal(keyIn(raw, 'status') ?? '')) open.delete(number);
      else open.set(number, keyIn(raw, 'in_process_at') ?? keyIn(raw, 'created_at'));
    },
    unseen: () => [...open.keys()].filter((number) => !seen.has(number)),
    forget: (number) => void open.delete(number),
    state() {
      if (open.size <= MAX_OPEN && from === null) return { numbers: [...open.keys()].sort(), from: null };
      const times = [...open.values()].filter((at) => at !== null && !Number.isNaN(Date.parse(at)));
      const oldest = times.reduce(
        (least, at) => Math.min(least, Date.parse(at!)),
        from === null ? Infinity : Date.parse(from),
      );
      return { numbers: [], from: Number.isFinite(oldest) ? new Date(oldest).toISOString() : null };
    },
  };
}
