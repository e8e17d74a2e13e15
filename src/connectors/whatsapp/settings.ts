// What a user may set for a number on WhatsApp.

import { z } from 'zod';
import { graphId } from './credential.ts';

/** The version of the Graph API that this connector was written for (OpenAPI of 2025-10-21). */
export const GRAPH_VERSION = 'v23.0';

export const settingsSchema = z.strictObject({
  /** The WhatsApp Business Account of the number; without it there are no numbers, templates and analytics to read. */
  waba_id: graphId.optional(),
  /** The app that the token belongs to: numbers of one app share its limits. */
  app_id: graphId.optional(),
  graph_version: z
    .string()
    .regex(/^v\d{2,3}\.0$/, 'expected a version of the Graph API: v23.0')
    .default(GRAPH_VERSION),
  /** Currency of the account's costs, ISO 4217; absent: as the platform says, if it does. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'expected a currency: USD')
    .optional(),
});

export type WhatsAppSettings = z.output<typeof settingsSchema>;
