// Files that take longest begin first, so that the lanes end together: on a clean machine nothing is known of how long they took, and
// by size alone the last one would run by itself for minutes.

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds beside another lane on two cores, more than 25. */
const SECONDS: Readonly<Record<string, number>> = {
  'e2e/kill.test.ts': 140,
  'e2e/kill-bullmq.test.ts': 119,
  'e2e/leaks.test.ts': 87,
  'e2e/queue-chaos.test.ts': 79,
  'integration/embedded-postgres.test.ts': 74,
  'e2e/engine.test.ts': 68,
  'e2e/board-clicks-bullmq.test.ts': 67,
  'e2e/deployment-run.test.ts': 61,
  'e2e/board-clicks.test.ts': 61,
  'e2e/start.test.ts': 53,
  'integration/engine-record.test.ts': 53,
  'e2e/managed-server.test.ts': 52,
  'integration/pgboss.conformance.test.ts': 44,
  'e2e/cli.test.ts': 44,
  'e2e/queue-board.test.ts': 44,
  'e2e/import-history.test.ts': 43,
  'property/upwork-equality.test.ts': 41,
  'integration/bullmq.conformance.test.ts': 40,
  'property/two-tenants.test.ts': 39,
  'integration/evil-errors.test.ts': 29,
  'integration/evil-connector.test.ts': 29,
  'integration/queue-history.test.ts': 26,
};

const secondsOf = ({ moduleId }: TestSpecification): number =>
  Object.entries(SECONDS).find(([name]) => moduleId.endsWith(`/test/${name}`))?.[1] ?? 0;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => secondsOf(b) - secondsOf(a));
  }
}
