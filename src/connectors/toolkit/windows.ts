// A range of time in windows that a platform takes.

export interface TimeWindow {
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
}

/** Windows of at most `lengthMs`, oldest first; none when the range is empty. */
export function windowsOf({ from, to }: TimeWindow, lengthMs: number): readonly TimeWindow[] {
  const windows: TimeWindow[] = [];
  for (let at = from.getTime(); at < to.getTime(); at += lengthMs) {
    windows.push({ from: new Date(at), to: new Date(Math.min(at + lengthMs, to.getTime())) });
  }
  return windows;
}
