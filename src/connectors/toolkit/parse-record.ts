// Raw record → domain record, with an error that says where the raw one is wrong.

import type { z } from 'zod';
import { AppError } from '../../core/errors.ts';

/** Reads `raw` through `schema`; throws `record.invalid` with the first problem's path. */
export function parseRecord<Output>(schema: z.ZodType<Output>, raw: unknown): Output {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  throw new AppError('record.invalid', `${path || 'record'}: ${issue?.message ?? 'does not fit its schema'}`, {
    details: { path },
  });
}

/** The member `name` of a raw record when it is a text or a number, as text; else null. */
export function keyIn(raw: unknown, name: string): string | null {
  if (raw === null || typeof raw !== 'object' || !(name in raw)) return null;
  const value = (raw as Readonly<Record<string, unknown>>)[name];
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  return value === '' ? null : String(value);
}

/** The member `id` of a raw record, or null. */
export function idOf(raw: unknown): string | null {
  return keyIn(raw, 'id');
}
