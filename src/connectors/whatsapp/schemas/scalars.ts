// How WhatsApp writes instants and texts in what it tells.

import { z } from 'zod';

/** Seconds since 1970, as a text or a number. */
export const unixInstant = z.union([z.string(), z.number()]).transform((value, context) => {
  const seconds = Number(value);
  if (value !== '' && Number.isFinite(seconds) && seconds > 0 && seconds < 1e11) return new Date(seconds * 1_000);
  context.addIssue({ code: 'custom', message: 'expected seconds since 1970' });
  return z.NEVER;
});

/** Any JSON object. */
export const object = z.record(z.string(), z.unknown());

/** A text, or null for anything else. */
export const loose = z.string().min(1).nullish().catch(null);

/** Without members that say nothing. */
export function told(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null));
}
