// What a user may set for a shop on Wildberries.

import { z } from 'zod';

export const settingsSchema = z.strictObject({
  /** The first day that a full pass over the finance reports asks for; the platform has none before 2024-01-29. */
  finance_since: z.iso.date().default('2024-01-29'),
});

export type WildberriesSettings = z.output<typeof settingsSchema>;
