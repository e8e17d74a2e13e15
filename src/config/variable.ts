// How one environment variable is described. The description is the only source of the checks, of `.env.example` and of
// the sentences about what is wrong; a variable that is not described is not read.

import { z } from 'zod';

/** `D` is the default as it would be written in the environment, or undefined when the variable may be absent. */
export interface Variable<T, D extends string | undefined = string | undefined> {
  /** One sentence: what it is for. */
  readonly about: string;
  /** Continues "expected …": `a whole number from 1 to 1000`. */
  readonly expected: string;
  readonly default: D;
  /** What happens without it, where the default is worked out and not a fixed text. */
  readonly unset?: string;
  readonly example: string;
  /** A secret value is wrapped at once and never repeated in a message. */
  readonly secret?: true;
  readonly schema: z.ZodType<T, string>;
}

/** What a described variable becomes: its type, or undefined where it has no default. */
export type ValueOf<V> = V extends Variable<infer T, infer D> ? (D extends string ? T : T | undefined) : never;

/** Keeps the exact type of a description, so that `ValueOf` can tell defaults from absences. */
export function variable<T, const D extends string | undefined>(spec: Variable<T, D>): Variable<T, D> {
  return spec;
}

/** A text that holds JSON, for a schema of what is inside to follow. */
export const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'this is not JSON' });
    return z.NEVER;
  }
});

interface WholeNumber {
  readonly about: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export function wholeNumber({ about, default: fallback, min, max }: WholeNumber): Variable<number, string> {
  const number = z.int().min(min).max(max);
  return {
    about,
    expected: `a whole number from ${min} to ${max}`,
    default: String(fallback),
    example: String(fallback),
    schema: z.string().regex(/^\d+$/).transform(Number).pipe(number),
  };
}

export function trueOrFalse({
  about,
  default: fallback,
}: {
  readonly about: string;
  readonly default: boolean;
}): Variable<boolean, string> {
  return {
    about,
    expected: 'true or false',
    default: String(fallback),
    example: String(fallback),
    schema: z.enum(['true', 'false']).transform((text) => text === 'true'),
  };
}
