// A skip that says why: the reporter lists the reasons at the end of the run.

import type { TestContext } from 'vitest';

/** Skips the running test unless the condition holds; `reason` says what is missing: "needs a system PostgreSQL 15". */
export function skipUnless(context: TestContext, condition: unknown, reason: string): asserts condition {
  if (!condition) context.skip(reason);
}
