// Which engine this installation runs on, asked by every process: at its start it records its own or compares it with the
// recorded one, and while it runs it notices when somebody switches, and ends. It never changes what is recorded.

import { SECOND_MS } from '../core/duration.ts';
import type { QueueEngine } from '../core/queue-engines.ts';
import type { Database } from '../db/database.ts';
import { createLoop } from '../lifecycle/loop.ts';
import type { Service } from '../lifecycle/service.ts';
import { claimEngine, engineMismatch, readEngine } from '../store/settings.ts';
import type { EventLog } from '../telemetry/event-log.ts';

/** How often a running process looks. */
const ENGINE_WATCH_MS = 2 * SECOND_MS;

export interface EngineRecordOptions {
  readonly db: Database;
  /** The one this process is configured for. */
  readonly engine: QueueEngine;
  readonly log: EventLog;
  /** Called once, when another engine is recorded: drain, and exit with code 2, because starting again is of no use. */
  readonly onSwitched: () => void;
}

/** Its `start` throws `config.invalid` when another engine is recorded. */
export function createEngineRecord({ db, engine, log, onSwitched }: EngineRecordOptions): Service {
  let told = false;
  const look = async (): Promise<void> => {
    if (told) return;
    const recorded = await readEngine(db);
    if (recorded === null || recorded === engine) return;
    told = true;
    log.emit('engine.switched', { error: engineMismatch(recorded, engine) });
    onSwitched();
  };
  const loop = createLoop({
    name: 'engine-record',
    everyMs: ENGINE_WATCH_MS,
    pass: look,
    // A switch waits for nobody who was cut off from the database: whoever comes back must notice soon.
    backoff: { baseMs: SECOND_MS / 2, capMs: ENGINE_WATCH_MS },
    log,
  });
  return {
    name: loop.name,
    async start() {
      await claimEngine(db, engine);
      await loop.start();
    },
    stop: () => loop.stop(),
    health: () => loop.health?.() ?? { status: 'ok' },
  };
}
