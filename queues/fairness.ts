// The arithmetic of admission, without a database: who may go straight to the engine, and the start tags of weighted
// fair queueing (Goyal 1996, start-time fair queueing) for those who wait.

export interface UserLoad {
  /** Due jobs of the user that the engine may hold, and holds. */
  readonly bound: number;
  readonly inEngine: number;
  /** Whether due jobs of the user wait in front of the engine. */
  readonly waiting: boolean;
}

export interface Candidate {
  readonly userId: string | null;
  readonly class: number;
  readonly cost: number;
  readonly runAt: Date;
}

/**
 * For each candidate, whether it goes to the engine at once: it is due, its user has room, and nobody of the same user
 * would be overtaken (interactive work may overtake). Jobs of the system always have room.
 */
export function admitAtOnce(
  candidates: readonly Candidate[],
  loads: ReadonlyMap<string, UserLoad>,
  limits: { readonly backlogPerUser: number; readonly now: Date },
): readonly boolean[] {
  const taken = new Map<string, number>();
  return candidates.map(({ userId, class: rank, runAt }) => {
    if (runAt > limits.now) return false;
    if (userId === null) return true;
    const load = loads.get(userId) ?? { bound: limits.backlogPerUser, inEngine: 0, waiting: false };
    const used = taken.get(userId) ?? load.inEngine;
    if (used >= load.bound || (load.waiting && rank > 0)) return false;
    taken.set(userId, used + 1);
    return true;
  });
}

export interface Share {
  readonly userId: string;
  readonly weight: number;
  readonly finishTag: number;
}

/**
 * Start tags of jobs in order: a job starts where its user's last one finished, but never before the virtual time, so
 * that idleness earns no credit. Answers the tags and the users' new finish tags.
 */
export function tagJobs(
  jobs: readonly { readonly userId: string; readonly cost: number }[],
  shares: readonly Share[],
  virtualTime: number,
): { readonly tags: readonly number[]; readonly finishTags: ReadonlyMap<string, number> } {
  const weights = new Map(shares.map(({ userId, weight }) => [userId, weight]));
  const finishTags = new Map(shares.map(({ userId, finishTag }) => [userId, Math.max(virtualTime, finishTag)]));
  const tags = jobs.map(({ userId, cost }) => {
    const start = finishTags.get(userId) ?? virtualTime;
    finishTags.set(userId, start + cost / (weights.get(userId) ?? 1));
    return start;
  });
  return { tags, finishTags };
}
