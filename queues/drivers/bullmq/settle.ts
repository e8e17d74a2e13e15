// Adding, ending, putting back and looking for jobs of ours: one script call per queue and piece of a batch.

import { deadLetterOf } from '../../catalog.ts';
import {
  STRANDED_MS,
  type Burial,
  type EngineJob,
  type EngineOutput,
  type EngineRef,
  type EngineSettlement,
  type HistoryState,
  type PutBack,
} from '../../driver.ts';
import type { Link } from './engine.ts';
import { baseOf, keysOf, toStored } from './layout.ts';

/** Jobs in one script call: Redis does nothing else in the meantime. */
const PIECE = 250;

export interface Piece<T> {
  readonly queue: string;
  readonly items: readonly T[];
}

/** By queue, in the order given, in pieces of bounded size. */
export function piecesOf<T>(items: readonly T[], queueOf: (item: T) => string): readonly Piece<T>[] {
  const byQueue = new Map<string, T[]>();
  for (const item of items) {
    const queue = queueOf(item);
    const together = byQueue.get(queue);
    if (together === undefined) byQueue.set(queue, [item]);
    else together.push(item);
  }
  const pieces: Piece<T>[] = [];
  for (const [queue, all] of byQueue) {
    for (let at = 0; at < all.length; at += PIECE) pieces.push({ queue, items: all.slice(at, at + PIECE) });
  }
  return pieces;
}

type ListScript = 'add' | 'putBack' | 'settle' | 'remove' | 'missing';

interface ListCall {
  readonly script: ListScript;
  readonly queue: string;
  readonly list: readonly unknown[];
  readonly more?: readonly (string | number)[];
}

async function call(link: Link, { script, queue, list, more = [] }: ListCall): Promise<readonly string[]> {
  const answer = await link.run(script, keysOf(queue), [baseOf(queue), Date.now(), JSON.stringify(list), ...more]);
  return Array.isArray(answer) ? (answer as readonly string[]) : [];
}

/** Answers, in order, the id that stands for each. */
export async function addJobs(
  link: Link,
  jobs: readonly (EngineJob & { readonly runAt?: Date })[],
): Promise<readonly string[]> {
  const numbered = jobs.map((job, index) => ({ job, index }));
  const standing = Array.from<string>({ length: jobs.length });
  const pieces = piecesOf(numbered, ({ job }) => job.queue);
  await Promise.all(
    pieces.map(async ({ queue, items }) => {
      const list = items.map(({ job }) => toStored(job, job.runAt));
      const ids = await call(link, { script: 'add', queue, list });
      for (const [at, { index }] of items.entries()) standing[index] = ids[at]!;
    }),
  );
  return standing;
}

interface Ending {
  readonly job: EngineJob;
  readonly token: string | null;
  readonly state: HistoryState;
  readonly output: EngineOutput;
  /** Leaves a copy in the dead letter. */
  readonly dead?: true;
}

async function endAll(link: Link, endings: readonly Ending[]): Promise<readonly string[]> {
  const answers = await Promise.all(
    piecesOf(endings, ({ job }) => job.queue).map(({ queue, items }) => {
      const list = items.map(({ job, token, state, output, dead }) => ({
        job: toStored(job),
        token: token ?? '',
        state,
        output: JSON.stringify(output),
        ...(dead === true ? { dead } : {}),
      }));
      return call(link, { script: 'settle', queue, list, more: [baseOf(deadLetterOf(queue))] });
    }),
  );
  return answers.flat();
}

/** Answers the ids whose token was good, or which nobody held any more. */
export function settleAll(link: Link, settlements: readonly EngineSettlement[]): Promise<readonly string[]> {
  return endAll(link, settlements);
}

export async function buryAll(link: Link, burials: readonly Burial[]): Promise<void> {
  await endAll(
    link,
    burials.map((burial) => ({ ...burial, state: 'failed', dead: true })),
  );
}

export async function putBackAll(link: Link, items: readonly PutBack[]): Promise<void> {
  await Promise.all(
    piecesOf(items, ({ job }) => job.queue).map(({ queue, items: together }) => {
      const list = together.map(({ job, token, runAt }) => ({
        job: toStored(job, runAt),
        token: token ?? '',
        ...(job.meta === null ? { asItIs: true } : {}),
      }));
      return call(link, { script: 'putBack', queue, list });
    }),
  );
}

async function idsOf(link: Link, script: ListScript, refs: readonly EngineRef[], more: readonly number[] = []) {
  const answers = await Promise.all(
    piecesOf(refs, ({ queue }) => queue).map(({ queue, items }) =>
      call(link, { script, queue, list: items.map(({ id }) => id), more }),
    ),
  );
  return answers.flat();
}

export function removeJobs(link: Link, refs: readonly EngineRef[]): Promise<readonly string[]> {
  return idsOf(link, 'remove', refs);
}

export function missingJobs(link: Link, refs: readonly EngineRef[]): Promise<readonly string[]> {
  return idsOf(link, 'missing', refs, [STRANDED_MS]);
}
