// What a user may set for an Upwork integration.

import { z } from 'zod';

const savedSearchSchema = z.strictObject({
  /** Shown to people; also the name of its position in the cursor, so renaming a search reads it again from the start. */
  name: z.string().min(1).max(100),
  /** Lucene-style expression over title, description and skills. */
  query: z.string().min(1).max(1_000).optional(),
  category_ids: z.array(z.string().min(1)).max(50).optional(),
  subcategory_ids: z.array(z.string().min(1)).max(50).optional(),
  /** Numeric ontology ids; names would match nothing without an error. */
  skill_ids: z.array(z.string().regex(/^\d+$/, 'expected a numeric ontology id')).max(50).optional(),
  job_type: z.enum(['hourly', 'fixed']).optional(),
  experience_level: z.enum(['entry', 'intermediate', 'expert']).optional(),
  verified_payment_only: z.boolean().optional(),
});

export const settingsSchema = z.strictObject({
  /** Organisation in whose name to ask; without it Upwork answers in the personal context. */
  organization_id: z.string().min(1).max(100).optional(),
  saved_searches: z
    .array(savedSearchSchema)
    .max(50)
    .refine(
      (searches) => new Set(searches.map((search) => search.name)).size === searches.length,
      'expected distinct names',
    )
    .default([]),
});

export type SavedSearch = z.output<typeof savedSearchSchema>;
export type UpworkSettings = z.output<typeof settingsSchema>;
