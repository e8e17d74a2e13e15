// A row of `contractTimeReport` → time entry. Its numbers are JSON floats of hours and of the contract's currency.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { TimeEntryRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalOf } from './scalars.ts';

/** `2026-09-30` or `20260930`. */
const daySchema = z.string().transform((text, context) => {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})(?:$|T)/.exec(text);
  if (match !== null) return `${match[1]}-${match[2]}-${match[3]}`;
  context.addIssue({ code: 'custom', message: 'expected a day' });
  return z.NEVER;
});

const termSchema = z.object({
  id: z.string(),
  hourlyRate: z.object({ currency: z.string().nullish() }).nullish(),
});

const entrySchema = z.object({
  dateWorkedOn: daySchema,
  termId: z.string().nullish(),
  task: z.string().nullish(),
  memo: z.string().nullish(),
  totalHoursWorked: z.number(),
  totalOnlineHoursWorked: z.number().nullish(),
  totalOfflineHoursWorked: z.number().nullish(),
  totalCharges: z.number().nullish(),
  contract: z.object({
    id: z.string().min(1),
    terms: z.object({ hourlyTerms: z.array(termSchema.nullable()).nullish() }).nullish(),
  }),
  /** Ours: tells apart rows that are alike in everything that could tell them apart; 0 for the first. */
  ordinal: z.int().nonnegative().optional(),
});

const KEY_HEX = 32;

type Entry = z.output<typeof entrySchema>;

/** Memos may be long, so they stand in the key as a hash. */
function keyOf({ contract, termId, dateWorkedOn, task, memo, ordinal = 0 }: Entry): string {
  const words = JSON.stringify([task ?? null, memo ?? null, ordinal]);
  const digest = createHash('sha256').update(words).digest('hex').slice(0, KEY_HEX);
  return [contract.id, termId ?? '', dateWorkedOn, digest].join('/');
}

/** Throws `record.invalid`. */
export function parseHours(raw: unknown): TimeEntryRecord {
  const entry = parseRecord(entrySchema, raw);
  const term = (entry.contract.terms?.hourlyTerms ?? []).find((each) => each?.id === entry.termId);
  const amount = decimalOf(entry.totalCharges);
  return {
    entryKey: keyOf(entry),
    upworkContractId: entry.contract.id,
    termId: entry.termId ?? null,
    workDate: entry.dateWorkedOn,
    task: entry.task ?? null,
    memo: entry.memo ?? null,
    hours: decimalOf(entry.totalHoursWorked) ?? '0',
    onlineHours: decimalOf(entry.totalOnlineHoursWorked),
    manualHours: decimalOf(entry.totalOfflineHoursWorked),
    amount,
    // The report itself has no currency: that of the term's rate, where the report gives it.
    currency: amount === null ? null : (term?.hourlyRate?.currency ?? null),
    sourceUpdatedAt: null,
  };
}

/** Key of a raw row, or null. */
export function hoursKeyOf(raw: unknown): string | null {
  const entry = entrySchema.safeParse(raw);
  return entry.success ? keyOf(entry.data) : null;
}

/** Day of a raw row, or null. */
export function dayOfHours(raw: unknown): string | null {
  const entry = z.object({ dateWorkedOn: daySchema }).safeParse(raw);
  return entry.success ? entry.data.dateWorkedOn : null;
}

/** Contract of a raw row, or null. */
export function contractOfHours(raw: unknown): string | null {
  return z.object({ contract: z.object({ id: z.string().min(1) }) }).safeParse(raw).data?.contract.id ?? null;
}
