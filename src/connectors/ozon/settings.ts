// What a user may set for a shop on Ozon.

import { z } from 'zod';

export const settingsSchema = z.strictObject({
  /** The first day of the accounts that a first pass asks for; the platform has none before 2022. Absent: a year back. */
  finance_since: z.iso
    .date()
    .refine((day) => day >= '2022-01-01', 'expected a day from 2022-01-01 on')
    .optional(),
});

export type OzonSettings = z.output<typeof settingsSchema>;
