// The named ways in which Telegram differs from what a client would hope (messaging-apis 1.2-1.5). Read at every request, so a
// test may switch one in the middle of a run: `sim.traps.antiHammering = false`.

export interface TelegramTraps {
  /** The same offset within 3 s and a timeout below 3 waits up to 3 s; within 0.5 s it gets one update at most. */
  antiHammering: boolean;
  /** A second 409 within 3 s is delayed by 3 s. */
  smoothConflicts: boolean;
  /** A token that cannot be one: the edge says 404 "Not Found", the server behind it 401 "Unauthorized: invalid…". */
  malformedToken: 'edge' | 'server';
  /** Milliseconds that setting a webhook takes; another one in the meantime ends it with 409. */
  webhookSetMs: number;
  /** How long a webhook may answer 410 before it is taken away, in milliseconds. */
  goneAfterMs: number;
  /** Pause of a webhook's update after so many failures (1, 2…), in milliseconds. */
  webhookPauseMs: (failures: number) => number;
  /** How long a path of `getFile` is good, in milliseconds. */
  filePathLivesMs: number;
  /** Links that Telegram cannot fetch. */
  unreachableLinks: ReadonlySet<string>;
}

const HOUR_MS = 3_600_000;
const LONGEST_PAUSE_S = 60;

/** At once, then 2, 4, 8 seconds, at most something between one and two minutes. */
function realPauseMs(failures: number): number {
  if (failures <= 1) return 0;
  const longest = LONGEST_PAUSE_S * (1 + Math.random());
  return Math.min(longest, 2 ** (failures - 1)) * 1_000;
}

/** How Telegram behaves on a good day. */
export function defaultTraps(): TelegramTraps {
  return {
    antiHammering: true,
    smoothConflicts: true,
    malformedToken: 'edge',
    webhookSetMs: 0,
    goneAfterMs: 23 * HOUR_MS,
    webhookPauseMs: realPauseMs,
    filePathLivesMs: HOUR_MS,
    unreachableLinks: new Set(),
  };
}
