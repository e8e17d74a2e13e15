// The scheduler's heartbeat: once a second it claims what is due. It also notices when the wall clock jumped back and
// then puts the schedules right; on start and every ten minutes it does so anyway.

import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { claimDue, type ClaimLimits, type SchedulerDeps } from './claim-due.ts';
import { repairSchedules } from './repair-schedules.ts';

export interface TickOptions extends SchedulerDeps, ClaimLimits {
  /** Default 1 s. */
  readonly everyMs?: number;
}

const REPAIR_EVERY_MS = 10 * MINUTE_MS;
/** The wall clock is adjusted by small steps all the time; only a real jump back matters. */
const JUMP_BACK_MS = 5 * SECOND_MS;

export function createSchedulerTick(options: TickOptions): Loop {
  const { clock, log, everyMs = SECOND_MS } = options;
  let repairAt = -Infinity;
  let drift = clock.now().getTime() - clock.mono();
  const pass = async (signal: AbortSignal): Promise<void> => {
    const mono = clock.mono();
    const seen = clock.now().getTime() - mono;
    if (mono >= repairAt || seen < drift - JUMP_BACK_MS) {
      await repairSchedules(options, signal);
      repairAt = mono + REPAIR_EVERY_MS;
    }
    drift = seen;
    await claimDue(options, signal, options);
  };
  return createLoop({ name: 'scheduler-tick', everyMs, pass, log, clock });
}
