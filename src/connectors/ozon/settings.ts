// What a user may set for a shop on Ozon.

import { z } from 'zod';

export const settingsSchema = z.strictObject({
  /** The first day of orders that a full pass over the postings asks for; absent: a year before it. */
  orders_since: z.iso.date().optional(),
  /** The first day that a full pass over the accruals asks for; the platform has none before 2022-01-01. */
  finance_since: z.iso.date().default('2022-01-01'),
});

export type OzonSettings = z.output<typeof settingsSchema>;
