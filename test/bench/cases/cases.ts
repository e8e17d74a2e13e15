// All cases, in the order in which they run.

import type { BenchCase } from '../bench-case.ts';
import { commit } from './commit.ts';
import { doorToStart } from './door-to-start.ts';
import { doors } from './doors.ts';
import { fairness } from './fairness.ts';
import { idle } from './idle.ts';
import { pipeline } from './pipeline.ts';
import { queue } from './queue.ts';
import { receivers } from './receivers.ts';
import { rollup } from './rollup.ts';
import { scheduler } from './scheduler.ts';
import { shopLimit } from './shop-limit.ts';
import { statistics } from './statistics.ts';
import { takeover } from './takeover.ts';
import { triggerToStart } from './trigger-to-start.ts';
import { upworkLimit } from './upwork-limit.ts';
import { webhooks } from './webhooks.ts';

export const CASES: readonly BenchCase[] = [
  commit,
  pipeline,
  queue,
  doors,
  doorToStart,
  triggerToStart,
  scheduler,
  takeover,
  fairness,
  idle,
  rollup,
  upworkLimit,
  statistics,
  shopLimit,
  webhooks,
  receivers,
];
