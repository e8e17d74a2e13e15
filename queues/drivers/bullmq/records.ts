// What the engine knows of jobs: counted, found by id, listed. Redis has no index over kinds, users or payloads, so a list
// looks at a bounded number of the newest of each place, page by page, and stops as soon as it has enough.

import { isDeepStrictEqual } from 'node:util';
import { deadLetterOf, QUEUES } from '../../catalog.ts';
import { bareMeta } from '../../engine-meta.ts';
import { enginePriority, type EngineRecord, type EngineState, type RecordFilter } from '../../driver.ts';
import type { Link } from './engine.ts';
import { baseOf, decodeData, decodeOutput, keysOf } from './layout.ts';
import { DELAY_SHIFT } from './looks.ts';

const PAGE_SIZE = 250;
const MAX_LOOKED_AT = 10_000;

type Row = readonly [
  id: string,
  state: EngineState,
  score: string,
  name: string,
  data: string,
  timestamp: string,
  processedOn: string,
  finishedOn: string,
  worker: string,
  returnvalue: string,
  failedReason: string,
];

type Aged = Pick<EngineRecord, 'id' | 'meta'>;

/** Where jobs of a state are, as the script `page` calls it. */
const PLACES: Readonly<Record<EngineState, readonly string[]>> = {
  waiting: ['prioritized', 'wait', 'paused', 'delayed'],
  delayed: ['delayed'],
  active: ['active'],
  completed: ['completed'],
  cancelled: ['cancelled'],
  failed: ['failed'],
};

function dateOf(millis: string): Date | null {
  return millis === '' ? null : new Date(Number(millis));
}

function toRecord(row: Row, queue: string): EngineRecord {
  const [id, state, score, name, data, timestamp, processedOn, finishedOn, worker, returnvalue, failedReason] = row;
  const decoded = decodeData(data);
  const meta = decoded.meta ?? bareMeta(new Date(Number(timestamp) || 0));
  const ended = decodeOutput(returnvalue === '' ? failedReason : returnvalue);
  const held = state === 'active' ? { attempts: 1, takeovers: 0, workerId: worker === '' ? null : worker } : null;
  return {
    id,
    queue,
    state,
    kind: name,
    payload: decoded.payload,
    priority: enginePriority(meta.class, meta.priority),
    meta,
    output: ended ?? held,
    runAt: new Date(state === 'delayed' ? Math.floor(Number(score) / DELAY_SHIFT) : Number(timestamp)),
    startedAt: dateOf(processedOn),
    finishedAt: dateOf(finishedOn),
  };
}

const byAge = (a: Aged, b: Aged): number =>
  Date.parse(b.meta.createdAt) - Date.parse(a.meta.createdAt) || (a.id < b.id ? 1 : -1);

function isAfter({ id, meta }: Aged, after: NonNullable<RecordFilter['after']>): boolean {
  const difference = Date.parse(meta.createdAt) - after.createdAt.getTime();
  return difference < 0 || (difference === 0 && id < after.id);
}

function matches({ id, payload, meta, kind }: EngineRecord, filter: RecordFilter): boolean {
  if (filter.kind !== undefined && filter.kind !== kind) return false;
  if (filter.userId !== undefined && filter.userId !== meta.userId) return false;
  if (filter.after !== undefined && !isAfter({ id, meta }, filter.after)) return false;
  const fields = (payload ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(filter.payload ?? {}).every(([name, value]) => isDeepStrictEqual(fields[name], value));
}

async function listPlace(link: Link, queue: string, place: string, filter: RecordFilter): Promise<EngineRecord[]> {
  const found: EngineRecord[] = [];
  const wanted = new Set(filter.states);
  // A place is in the order of its own events, so whoever goes on from a job needs to see all of it.
  const enough = filter.after === undefined ? filter.limit : Infinity;
  for (let offset = 0; offset < MAX_LOOKED_AT && found.length < enough; offset += PAGE_SIZE) {
    const answer = await link.run('page', keysOf(queue), [baseOf(queue), Date.now(), place, offset, PAGE_SIZE]);
    const [size, ...rows] = answer as readonly [number, ...Row[]];
    for (const row of rows) {
      if (!wanted.has(row[1])) continue;
      const record = toRecord(row, queue);
      if (matches(record, filter)) found.push(record);
    }
    if (size < PAGE_SIZE) break;
  }
  return found;
}

/** Newest first: by creation among what each place says is its newest. */
export async function listRecords(link: Link, filter: RecordFilter): Promise<readonly EngineRecord[]> {
  const places = [...new Set(filter.states.flatMap((state) => PLACES[state]))];
  const all = await Promise.all(
    filter.queues.flatMap((queue) => places.map((place) => listPlace(link, queue, place, filter))),
  );
  // A job that moved while we looked was seen in two places.
  const byId = new Map(all.flat().map((record) => [`${record.queue} ${record.id}`, record]));
  return [...byId.values()].sort(byAge).slice(0, filter.limit);
}

/** More priorities than anybody uses at once. */
const MAX_PRIORITIES = 100;

export async function oldestDue(link: Link, queue: string): Promise<Date | null> {
  const rows = await link.run('firsts', keysOf(queue), [baseOf(queue), Date.now(), MAX_PRIORITIES]);
  // Of a job that came back from the ledger only the ledger knows since when it is due.
  const own = (rows as readonly Row[]).map((row) => toRecord(row, queue)).filter(({ meta }) => !meta.ledgered);
  return own.length === 0 ? null : new Date(Math.min(...own.map(({ runAt }) => runAt.getTime())));
}

async function findIn(link: Link, queues: readonly string[], id: string): Promise<EngineRecord | null> {
  const rows = await Promise.all(
    queues.map((queue) => link.run('find', keysOf(queue), [baseOf(queue), Date.now(), id])),
  );
  const at = rows.findIndex((row) => row !== null);
  return at === -1 ? null : toRecord(rows[at] as Row, queues[at]!);
}

/** The job itself before its copy in the dead letter. */
export async function findRecord(link: Link, id: string): Promise<EngineRecord | null> {
  return (await findIn(link, QUEUES, id)) ?? (await findIn(link, QUEUES.map(deadLetterOf), id));
}

export async function countStates(link: Link, queue: string): Promise<Readonly<Record<EngineState, number>>> {
  const answer = await link.run('counts', keysOf(queue), [baseOf(queue), Date.now()]);
  const [waiting, delayed, active, completed, cancelled, failed] = answer as readonly [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { waiting, delayed, active, completed, cancelled, failed };
}
