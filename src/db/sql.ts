// Text of SQL, and nothing more: a tag that editors highlight, and safe quoting for the two things that cannot be
// parameters. Values never go through here; they are `$n`.

import { AppError } from '../core/errors.ts';

/** Marks a text as SQL. Only fragments made by `ident` or by code may be interpolated, never input. */
export function sql(strings: TemplateStringsArray, ...fragments: readonly string[]): string {
  return String.raw({ raw: strings.raw }, ...fragments);
}

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;

/** A quoted identifier. Throws `internal` for anything but lower-case snake case: we name our own tables. */
export function ident(name: string): string {
  if (!IDENTIFIER.test(name))
    throw new AppError('internal', `expected a snake_case identifier, got ${JSON.stringify(name)}`);
  return `"${name}"`;
}
