// Files that take longest begin first, so that the lanes end together: on a clean machine nothing is known of how long they took, and
// by size alone the last one would run by itself for minutes.

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds on two cores, more than 25. */
const SECONDS: Readonly<Record<string, number>> = {
  'e2e/kill.test.ts': 144,
  'e2e/kill-bullmq.test.ts': 134,
  'e2e/queue-chaos.test.ts': 114,
  'e2e/board-clicks.test.ts': 93,
  'e2e/board-clicks-bullmq.test.ts': 83,
  'e2e/leaks.test.ts': 75,
  'e2e/deployment-run.test.ts': 74,
  'integration/embedded-postgres.test.ts': 69,
  'integration/queue-board.test.ts': 69,
  'e2e/cli.test.ts': 63,
  'e2e/engine.test.ts': 61,
  'integration/pgboss.conformance.test.ts': 58,
  'e2e/retention.test.ts': 47,
  'integration/bullmq.conformance.test.ts': 46,
  'integration/evil-errors.test.ts': 39,
  'integration/upwork-limit.test.ts': 35,
  'integration/evil-connector.test.ts': 34,
  'e2e/start.test.ts': 34,
  'property/upwork-equality.test.ts': 30,
  'integration/migrate-catalog.test.ts': 28,
};

const secondsOf = ({ moduleId }: TestSpecification): number =>
  Object.entries(SECONDS).find(([name]) => moduleId.endsWith(`/test/${name}`))?.[1] ?? 0;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => secondsOf(b) - secondsOf(a));
  }
}
