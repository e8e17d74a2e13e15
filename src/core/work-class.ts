// Whose work goes first: a person who waits, the regular schedule, history.

export const WORK_CLASSES = ['interactive', 'incremental', 'backfill'] as const;

export type WorkClass = (typeof WORK_CLASSES)[number];

/** Position of a class in Postgres (`class smallint`): 0 goes first. */
export function workClassRank(workClass: WorkClass): number {
  return WORK_CLASSES.indexOf(workClass);
}

/** The class behind a stored number. */
export function workClassOf(rank: number): WorkClass {
  return WORK_CLASSES[rank] ?? 'incremental';
}
