// A supervisor in miniature: each argument is a child, `<behaviour>` or `<behaviour>=<marker file>`.

import { fileURLToPath } from 'node:url';
import { runProcess } from '../../../src/lifecycle/process-main.ts';
import { createSupervisor } from '../../../src/lifecycle/supervisor.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

const entry = fileURLToPath(new URL('run-child.ts', import.meta.url));
const log = createLogger({ level: 'debug', role: 'supervisor' });
const supervisor = createSupervisor({
  children: process.argv.slice(2).map((argument) => {
    const [behaviour = '', marker = ''] = argument.split('=');
    return { role: behaviour, entry, args: [behaviour, marker], env: () => ({ ...process.env, CHILD: behaviour }) };
  }),
  drainMs: 5_000,
  backoff: { baseMs: 50, capMs: 100 },
  log,
});

process.exit(
  await runProcess({ services: [supervisor], drainMs: supervisor.stopWithinMs, log, ended: supervisor.refused }),
);
