// Daily metrics, computed once more from what the platform holds: the local day of each instant in the user's zone.

import type { Proposal } from '../simulators/upwork/model.ts';
import type { Row } from './compare.ts';

function localDay(instant: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    instant,
  );
}

const COUNTED = ['proposals_sent', 'proposals_interviewed', 'proposals_hired'] as const;

/** What `user_metrics` must say for each day on which something happened. */
export function expectedDays(proposals: Iterable<Proposal>, timeZone: string): Map<string, Row> {
  const days = new Map<string, Record<string, number>>();
  const count = (instant: Date, metric: (typeof COUNTED)[number]): void => {
    const day = localDay(instant, timeZone);
    const row = days.get(day) ?? Object.fromEntries(COUNTED.map((name) => [name, 0]));
    row[metric] = (row[metric] ?? 0) + 1;
    days.set(day, row);
  };
  for (const { status, createdAt, modifiedAt } of proposals) {
    if (status !== 'Created') count(createdAt, 'proposals_sent');
    if (status === 'Activated') count(modifiedAt ?? createdAt, 'proposals_interviewed');
    if (status === 'Hired') count(modifiedAt ?? createdAt, 'proposals_hired');
  }
  return days;
}

/** The days that have anything to count; others may or may not have a row. */
export const DAYS_SQL = `
  select date::text as key, proposals_sent, proposals_interviewed, proposals_hired
  from user_metrics
  where proposals_sent + proposals_interviewed + proposals_hired > 0`;
