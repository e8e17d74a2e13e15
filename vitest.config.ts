import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/reporter.ts'],
    pool: 'forks',
    // The default leaves one core alone, which on two of them is half of the machine. More lanes than four share one database server.
    maxWorkers: Math.min(4, availableParallelism()),
    sequence: { sequencer: LongestFirst },
    // A limit for broken tests, not a measure of speed: lanes share the machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
