// When a user's slot inside the engine gets free, the user's next waiting job may enter at once. One pass at a time, for
// all users whose jobs ended meanwhile; a failed pass loses nothing, because the scheduler's admission comes by anyway.

import { createAdmission, type AdmissionDeps } from './admission.ts';

export interface Refill {
  free(userId: string): void;
  /** Resolves when no pass is under way. */
  idle(): Promise<void>;
}

export interface RefillOptions {
  readonly signal: AbortSignal;
  readonly onAdmitted: () => void;
}

export function createRefill(deps: AdmissionDeps, { signal, onAdmitted }: RefillOptions): Refill {
  const admission = createAdmission(deps);
  let users = new Set<string>();
  let passing: Promise<void> | undefined;

  async function pass(): Promise<void> {
    while (users.size > 0 && !signal.aborted) {
      const userIds = [...users];
      users = new Set();
      if ((await admission.admitDue({ userIds, signal })) > 0) onAdmitted();
    }
  }

  return {
    free(userId) {
      users.add(userId);
      passing ??= pass()
        .catch((error: unknown) => deps.log.emit('loop.failed', { part: 'refill', error }))
        .finally(() => (passing = undefined));
    },
    async idle() {
      await passing;
    },
  };
}
