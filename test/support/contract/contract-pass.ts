// One stream against a mock of its platform's documents: a full pass, one from where it ended, and a backfill. What it asks must
// be valid, and what a document allows as an answer must become records or errors of ours.

import type { AnyConnector } from '../../../src/connectors/contract/connector.ts';
import type { Plan, ReadContext, SyncType } from '../../../src/connectors/contract/stream.ts';
import { DAY_MS } from '../../../src/core/duration.ts';
import { AppError } from '../../../src/core/errors.ts';
import { rigContext, streamOf } from '../connector-rig.ts';
import { startSpecMock, type SpecMock, type SpecMockOptions } from './spec-mock.ts';

export interface ContractOptions {
  readonly connector: AnyConnector;
  readonly stream: string;
  readonly credentials: unknown;
  readonly settings?: unknown;
  readonly now?: () => Date;
  readonly mock: SpecMockOptions;
  /** Which of the passes to run; all by default, each against a mock of its own. */
  readonly passes?: readonly SyncType[];
}

export interface ContractFindings {
  /** Operations that were asked, each once. */
  readonly operations: readonly string[];
  /** What the documents do not allow in the requests, each once. */
  readonly violations: readonly string[];
  /** What is neither a record nor an error of ours: bugs. */
  readonly faults: readonly string[];
  /** Of the answers that the mock gave, each once. */
  readonly statuses: readonly number[];
  readonly parsed: number;
  /** Why records were refused, each reason once: `nmID: expected …`. */
  readonly refusals: readonly string[];
  /** Errors of ours that ended a pass, each once: `platform.answer_invalid: …`. */
  readonly endings: readonly string[];
}

type Stream = ReturnType<typeof streamOf>;

interface Notes {
  readonly faults: string[];
  readonly refusals: string[];
  readonly endings: string[];
  parsed: number;
  cursor: unknown;
}

/** Of a pass over many days, each a page; one with more does not end by itself. */
const MAX_PAGES = 2_000;
const BACKFILL_DAYS = 10;

/** Runs the passes and tells what was found. Throws only when a document cannot be read. */
export async function contractPass(options: ContractOptions): Promise<ContractFindings> {
  const { passes = ['full', 'incremental', 'backfill'], mock: mocked, stream: name, ...rig } = options;
  const stream = streamOf(rig.connector, name);
  const notes: Notes = { faults: [], refusals: [], endings: [], parsed: 0, cursor: null };
  const mocks: SpecMock[] = [];
  const pass = async (plan: Partial<Plan<unknown>> & Pick<Plan<unknown>, 'type'>): Promise<void> => {
    if (!passes.includes(plan.type)) return;
    const mock = await startSpecMock(mocked);
    mocks.push(mock);
    const context = rigContext({ ...rig, baseUrl: mock.origin });
    await readInto(notes, stream, {
      plan: { since: null, cursor: null, until: context.clock.now(), ...plan },
      context,
    });
  };
  await pass({ type: 'full' });
  const mark = notes.cursor === null ? null : stream.highWaterMark(notes.cursor);
  const since = mark === null ? null : new Date(mark.getTime() - stream.lookbackMs);
  await pass({ type: 'incremental', cursor: notes.cursor, since });
  const until = rig.now?.() ?? new Date();
  await pass({ type: 'backfill', since: new Date(until.getTime() - BACKFILL_DAYS * DAY_MS), until });
  const exchanges = mocks.flatMap((mock) => mock.exchanges);
  return {
    operations: unique(exchanges.map(({ operation }) => operation)),
    violations: unique(exchanges.flatMap(({ operation, violations }) => violations.map((v) => `${operation}: ${v}`))),
    faults: unique(notes.faults),
    statuses: [...new Set(exchanges.map(({ status }) => status))],
    parsed: notes.parsed,
    refusals: unique(notes.refusals),
    endings: unique(notes.endings),
  };
}

interface Reading {
  readonly plan: Plan<unknown>;
  readonly context: ReadContext<unknown, unknown>;
}

async function readInto(notes: Notes, stream: Stream, { plan, context }: Reading): Promise<void> {
  let pages = 0;
  try {
    for await (const { records, checkpoint } of stream.read(plan, context)) {
      for (const record of records) parseInto(notes, stream, record);
      if (checkpoint !== undefined) notes.cursor = stream.cursor.schema.parse(JSON.parse(JSON.stringify(checkpoint)));
      pages += 1;
      if (pages < MAX_PAGES) continue;
      notes.faults.push(`a ${plan.type} pass over empty answers did not end after ${MAX_PAGES} pages`);
      return;
    }
  } catch (error) {
    if (error instanceof AppError) notes.endings.push(`${error.code}: ${error.message}`);
    else notes.faults.push(`a ${plan.type} pass: ${wordsOf(error)}`);
  }
}

function parseInto(notes: Notes, stream: Stream, raw: unknown): void {
  try {
    stream.keyOf(raw);
    stream.parse(raw);
    notes.parsed += 1;
  } catch (error) {
    if (error instanceof AppError && error.code === 'record.invalid')
      notes.refusals.push(`${JSON.stringify(error.details?.path)}: ${error.message}`);
    else notes.faults.push(`parse: ${wordsOf(error)}`);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' ') : String(error);
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
