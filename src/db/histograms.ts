// SQL of stored histograms: arrays of counts, one per bucket of `src/core/histogram.ts`, of which an empty one stands for
// nothing counted.

import { sql } from './sql.ts';

/** The sum of two histograms, bucket by bucket. Takes SQL expressions, never input. */
export function mergedHistograms(a: string, b: string): string {
  return sql`array(
        select coalesce(h.a, 0) + coalesce(h.b, 0)
        from unnest(${a}, ${b}) with ordinality as h (a, b, position)
        order by h.position
      )`;
}
