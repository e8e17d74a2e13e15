// A process of its own that uses the embedded PostgreSQL, to be killed by a test. Takes its options as JSON, answers in
// JSON lines on standard output, and stops in order when its standard input ends.

import { createEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import type { EventLog } from '../../src/telemetry/event-log.ts';

interface ChildOptions {
  readonly dataDir: string;
  readonly packageFolder?: string;
  readonly elsewhere?: string;
  /** Becomes this user first; needs root. */
  readonly uid?: number;
}

function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const log: EventLog = { emit: (event) => say({ event }), with: () => log };
const { uid, ...options } = JSON.parse(process.argv[2] ?? '{}') as ChildOptions;
if (uid !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}
const server = createEmbeddedPostgres({ ...options, log });
try {
  await server.start();
  say({ event: 'ready', url: server.superuserUrl.reveal() });
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
  await server.stop();
} catch (error) {
  say({ event: 'failed', message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
