// A supervised process in miniature, for the tests of supervisor and signals. What it does is its first argument:
//
// - `steady` works until it is told to stop
// - `crash-once` exits 1 when the marker file (second argument) is missing, and creates it; then as `steady`
// - `config` refuses its configuration
// - `stubborn` never stops by itself; `late` neither, and has no time to drain
// - `quiet` as `steady`, without a word; `useless` exits 1 at once, without a word
// - `leaky` throws an error that nobody handles

import { existsSync, writeFileSync } from 'node:fs';
import { AppError } from '../../../src/core/errors.ts';
import { runProcess } from '../../../src/lifecycle/process-main.ts';
import type { Service } from '../../../src/lifecycle/service.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

const [behaviour = 'steady', marker = ''] = process.argv.slice(2);
const log = createLogger({ level: behaviour === 'quiet' ? 'silent' : 'debug', role: `child-${behaviour}` });

/** Keeps the process alive the way a server does. */
function work(): Service {
  let timer: NodeJS.Timeout | undefined;
  return {
    name: 'work',
    async start() {
      if (behaviour === 'config') throw new AppError('config.invalid', 'expected a setting, got none');
      if (behaviour === 'useless') process.exit(1);
      if (behaviour === 'crash-once' && !existsSync(marker)) {
        writeFileSync(marker, 'crashed');
        process.exit(1);
      }
      timer = setInterval(() => undefined, 60_000);
      if (behaviour === 'leaky') setImmediate(() => void Promise.reject(new Error('leaked api_key=hunter2')));
    },
    async stop() {
      if (behaviour === 'stubborn' || behaviour === 'late') await new Promise(() => undefined);
      clearInterval(timer);
    },
  };
}

process.exit(await runProcess({ services: [work()], drainMs: behaviour === 'late' ? 0 : 5_000, log }));
