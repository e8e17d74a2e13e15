// The same work asked for many times at once: one call of it under way, and one more behind it for everybody who came meanwhile.
// Whoever asks is answered by a call that began after he asked.

export type Folded = (key: string, work: () => Promise<void>) => Promise<void>;

interface Lane {
  current: Promise<void>;
  next: Promise<void> | null;
}

/** As many lanes as there are keys under way; a lane ends with its last call. */
export function createFolded(): Folded {
  const lanes = new Map<string, Lane>();
  async function run(key: string, lane: Lane, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } finally {
      if (lane.next === null) lanes.delete(key);
    }
  }
  return (key, work) => {
    const lane = lanes.get(key);
    if (lane === undefined) {
      const first: Lane = { current: Promise.resolve(), next: null };
      lanes.set(key, first);
      first.current = run(key, first, work);
      return first.current;
    }
    lane.next ??= lane.current
      .catch(() => undefined)
      .then(() => {
        lane.current = lane.next!;
        lane.next = null;
        return run(key, lane, work);
      });
    return lane.next;
  };
}
