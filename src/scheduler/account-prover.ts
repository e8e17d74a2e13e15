// Has credentials tried that name their own account, as soon as they are stored: until the platform has answered to them, nothing
// that it tells of the account is theirs.

import type { JobRequest } from '../../queues/port.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { PlatformId } from '../core/platforms.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { takeUnproven, type Unproven } from '../store/account-proofs.ts';
import type { SchedulerDeps } from './claim-due.ts';

export interface AccountProverOptions extends Omit<SchedulerDeps, 'costOf'> {
  /** Platforms whose credentials name their account. */
  readonly platforms: readonly PlatformId[];
  /** Default 2 s. */
  readonly everyMs?: number;
}

/** One that was refused is tried again after this: the platform may have been away. */
const AGAIN_MS = 10 * MINUTE_MS;
const BATCH = 500;

function testOf({ integrationId, userId }: Unproven): JobRequest<'credential.test'> {
  return {
    kind: 'credential.test',
    payload: { integrationId },
    uniqueKey: integrationId,
    userId,
    workClass: 'interactive',
  };
}

/** How many are tried. */
export async function proveAccounts({ db, queue, clock, platforms }: AccountProverOptions): Promise<number> {
  const now = clock.now();
  const unproven = await takeUnproven(db, platforms, {
    now,
    triedBefore: new Date(now.getTime() - AGAIN_MS),
    limit: BATCH,
  });
  if (unproven.length > 0) await queue.enqueueMany(unproven.map(testOf));
  return unproven.length;
}

export function createAccountProver(options: AccountProverOptions): Loop {
  const { clock, log, everyMs = 2 * SECOND_MS } = options;
  const pass = async (): Promise<void> => void (await proveAccounts(options));
  return createLoop({ name: 'account-prover', everyMs, pass, log, clock });
}
