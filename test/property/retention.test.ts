// Any mixture of ages, favourites and affairs of the user's own: what a pass leaves is exactly what a plain rule leaves.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { createRetentionWorld, type Naming } from '../support/retention-world.ts';

const database = await createTestDatabase();

interface Arranged {
  readonly ageHours: number;
  readonly seenHoursAgo: number | null;
  readonly isFavorite: boolean;
  readonly named: { readonly in: Naming; readonly by: 'id' | 'key' } | null;
}

const arranged: fc.Arbitrary<Arranged> = fc.record({
  ageHours: fc.integer({ min: 0, max: 60 }),
  seenHoursAgo: fc.option(fc.integer({ min: 0, max: 60 })),
  isFavorite: fc.boolean(),
  named: fc.option(
    fc.record({
      in: fc.constantFrom<Naming>('proposals', 'offers', 'contracts'),
      by: fc.constantFrom('id', 'key'),
    }),
  ),
});

const stays = ({ ageHours, seenHoursAgo, isFavorite, named }: Arranged): boolean =>
  isFavorite || named !== null || Math.min(ageHours, seenHoursAgo ?? Infinity) <= 24;

test('a pass erases what is old and nobody’s, whatever else there is', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arranged, { maxLength: 12 }), async (all) => {
      const world = await createRetentionWorld(database);
      for (const [index, { named, seenHoursAgo, ...posting }] of all.entries()) {
        const key = String(index);
        const seen = seenHoursAgo === null ? {} : { seenHoursAgo };
        const jobId = await world.addPosting({ key, ...seen, ...posting });
        if (named !== null) await world.addNaming(named.in, named.by === 'id' ? { jobId } : { key });
      }
      await world.pass();
      const expected = all.flatMap((each, index) => (stays(each) ? [String(index)] : []));
      expect(await world.postings()).toEqual(expected.toSorted());
    }),
    { numRuns: 12 },
  );
});
