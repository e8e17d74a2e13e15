// The environment variables about a process itself: what it logs, how much it does at once, when it gives up.

import { z } from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import { variable, wholeNumber } from './variable.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export const PROCESSES = {
  LOG_LEVEL: variable({
    about: 'Least important level that is written.',
    expected: `one of ${LOG_LEVELS.join(', ')}`,
    default: 'info',
    example: 'debug',
    schema: z.enum(LOG_LEVELS),
  }),
  TIDEMARK_WORKER_CONCURRENCY: wholeNumber({
    about: 'Jobs that one worker process has in hand at once.',
    default: 50,
    min: 1,
    max: 5_000,
  }),
  TIDEMARK_WORKER_HEAP_MB: wholeNumber({
    about: 'Largest heap of a worker process that `tidemark start` keeps, in MiB; a small one is collected sooner.',
    default: 384,
    min: 128,
    max: 65_536,
  }),
  TIDEMARK_HEARTBEAT_MS: wholeNumber({
    about: 'How often a worker says that it lives, in milliseconds.',
    default: 500,
    min: 50,
    max: MINUTE_MS,
  }),
  TIDEMARK_LEASE_TTL_MS: wholeNumber({
    about: 'A worker silent for longer is dead and its work is taken over, in milliseconds; at least two heartbeats.',
    default: 2_000,
    min: 100,
    max: 10 * MINUTE_MS,
  }),
  TIDEMARK_MAX_BLOCKED_MS: wholeNumber({
    about: 'A handler that blocks its worker for longer loses its leases, in milliseconds.',
    default: MINUTE_MS,
    min: 1_000,
    max: HOUR_MS,
  }),
  TIDEMARK_SLICE_MS: wholeNumber({
    about: 'Longest part of a run in one job, in milliseconds.',
    default: 5 * MINUTE_MS,
    min: 1_000,
    max: 5 * MINUTE_MS,
  }),
  TIDEMARK_SCHEDULER_TICK_MS: wholeNumber({
    about: 'How often the scheduler looks for due streams, in milliseconds.',
    default: 1_000,
    min: 50,
    max: MINUTE_MS,
  }),
  TIDEMARK_DRAIN_MS: wholeNumber({
    about: 'Time for work in hand after SIGTERM, in milliseconds.',
    default: 30_000,
    min: 0,
    max: DAY_MS,
  }),
};
