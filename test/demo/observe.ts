// What the demo sees of the installation, through the api's role as any operator would: runs, rows and daily metrics.

import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../../src/app/session.ts';
import { listRuns, type Run } from '../../src/store/run-views.ts';
import type { Row } from './compare.ts';

const POLL_MS = 200;
const PATIENCE_MS = 240_000;
const UNFINISHED: ReadonlySet<Run['status']> = new Set(['pending', 'queued', 'running', 'waiting']);

async function poll<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const seen = await look();
    if (seen !== null) return seen;
    await delay(POLL_MS);
  }
  throw new Error(`waited ${PATIENCE_MS / 1_000} s for ${what}`);
}

/** The runs of an integration, newest first. */
export async function runsOf({ api }: Session, integrationId: string): Promise<readonly Run[]> {
  return await api.tx({ kind: 'ops' }, (tx) => listRuns(tx, { integrationId, limit: 1_000 }));
}

/** Waits until each integration has `expected` ended runs and none under way; tells how many records are in. */
export async function waitForRuns(
  session: Session,
  integrationIds: readonly string[],
  expected: number,
  tell: (records: number) => void,
): Promise<readonly Run[]> {
  return await poll('the runs to end', async () => {
    const runs = (await Promise.all(integrationIds.map((id) => runsOf(session, id)))).map((list) => list);
    tell(runs.flat().reduce((sum, run) => sum + run.recordsSynced, 0));
    const done = runs.every((list) => list.length >= expected && list.every(({ status }) => !UNFINISHED.has(status)));
    return done ? runs.flat() : null;
  });
}

/** Waits until no day is marked: a rollup takes the marks of its day away in the transaction that writes the day. */
export async function waitForRollups({ api }: Session): Promise<void> {
  await poll('the rollups', async () => {
    const { rows } = await api.tx({ kind: 'ops' }, (tx) =>
      tx.query<{ left: number }>('select count(*)::int as left from dirty_days'),
    );
    return rows[0]?.left === 0 ? true : null;
  });
}

/** Rows of one user, as the api's role sees them in that user's name. */
export async function rowsOf<R extends Row>({ api }: Session, userId: string, text: string): Promise<readonly R[]> {
  const { rows } = await api.tx({ kind: 'user', userId }, (tx) => tx.query<R>(text));
  return rows;
}

export async function quarantinedOf({ api }: Session, integrationId: string, stream: string): Promise<number> {
  const { rows } = await api.tx({ kind: 'ops' }, (tx) =>
    tx.query<{ count: number }>(
      `select count(*)::int as count from sync_quarantine where integration_id = $1 and stream = $2`,
      [integrationId, stream],
    ),
  );
  return rows[0]?.count ?? 0;
}
