// The conformance suite of a quota governor. Every implementation passes it unchanged.

import { afterAll, beforeAll, describe } from 'vitest';
import type { LimiterFactory, LimiterHarness } from './harness.ts';
import { learningConformance } from './learning.ts';
import { rateConformance } from './rate.ts';

export function limiterConformance(name: string, create: LimiterFactory): void {
  describe(`limiter conformance: ${name}`, () => {
    let harness: LimiterHarness | undefined;
    beforeAll(async () => {
      harness = await create();
    });
    afterAll(() => harness?.close());
    const opened = (): LimiterHarness => harness!;
    describe('rate', () => rateConformance(opened));
    describe('learning', () => learningConformance(opened));
  });
}
