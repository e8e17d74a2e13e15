// The engine without its database: plans, positions and validation are the real ones, and rows lie in a map. What a connector
// does to the stored state is seen in a moment, also of passes that break off anywhere.

import type { AnyConnector } from '../../src/connectors/contract/connector.ts';
import type { Page, ReadContext } from '../../src/connectors/contract/stream.ts';
import { contentOf } from '../../src/store/record-content.ts';
import { tableOf, type AnyRecord } from '../../src/store/record-tables/tables.ts';
import { createStuckGuard, storedForm } from '../../src/sync/checkpoint.ts';
import { planRun } from '../../src/sync/plan.ts';
import { validatePage } from '../../src/sync/validate.ts';
import { streamOf } from './connector-rig.ts';

export interface StoredRow {
  readonly record: AnyRecord;
  readonly hash: string;
}

interface MirrorStream {
  readonly rows: Map<string, StoredRow>;
  /** Scope → key of a member → its generation. */
  readonly members: Map<string, Map<string, string>>;
  position: unknown;
  lastFullAt: Date | null;
}

export interface PassEnd {
  readonly pages: number;
  readonly records: number;
  readonly quarantined: readonly string[];
  /** Rows that are different from before. */
  readonly changed: number;
}

export interface Mirror {
  /**
   * One pass from where the last one left off. `maxPages`: it breaks off once so many are stored, as a slice does. Throws what
   * the stream throws; what was stored until then stays.
   */
  pass(
    stream: string,
    context: ReadContext<unknown, unknown>,
    options?: { readonly maxPages?: number; readonly type?: 'full' },
  ): Promise<PassEnd>;
  /** Hash by key of what is stored. */
  stored(stream: string): ReadonlyMap<string, string>;
  rows(stream: string): ReadonlyMap<string, StoredRow>;
}

export function createMirror(connector: AnyConnector): Mirror {
  const streams = new Map<string, MirrorStream>();
  const held = (name: string): MirrorStream => {
    const state = streams.get(name) ?? { rows: new Map(), members: new Map(), position: null, lastFullAt: null };
    streams.set(name, state);
    return state;
  };
  return {
    async pass(name, context, { maxPages = Infinity, type } = {}) {
      const stream = streamOf(connector, name);
      const table = tableOf(stream.kind);
      const state = held(name);
      const now = context.clock.now();
      const requested = type ?? 'incremental';
      const plan = planRun({ stored: state.position, lastFullAt: state.lastFullAt, requested }, stream, now);
      const guard = createStuckGuard(plan.cursor);
      const end = { pages: 0, records: 0, quarantined: [] as string[], changed: 0 };
      for await (const page of stream.read(plan, context)) {
        const { good, bad } = validatePage(stream, table, page);
        end.quarantined.push(...bad.map(({ error }) => error.message));
        end.records += page.records.length;
        for (const { key, record } of good) {
          const content = contentOf(table, record);
          const before = state.rows.get(key);
          if (before !== undefined && isStale(record, before.record)) continue;
          if (before?.hash !== content.hash) end.changed += 1;
          state.rows.set(key, { record, hash: content.hash });
        }
        applyMode(
          state,
          page,
          [...good, ...bad].map(({ key }) => key),
        );
        guard.watch(page.checkpoint);
        const { since, until } = plan;
        const stored = storedForm(page.checkpoint, stream.cursor, { type: plan.type, since, until });
        // As it comes back from the database.
        if (stored !== undefined) state.position = JSON.parse(JSON.stringify(stored));
        end.pages += 1;
        if (end.pages >= maxPages) return end;
      }
      if (plan.type === 'full') state.lastFullAt = now;
      if (state.position !== null) state.position = { ...state.position, pass: undefined };
      return end;
    },
    stored: (name) => new Map([...held(name).rows].map(([key, { hash }]) => [key, hash])),
    rows: (name) => held(name).rows,
  };
}

function isStale(record: AnyRecord, than: AnyRecord): boolean {
  return (
    record.sourceUpdatedAt !== null && than.sourceUpdatedAt !== null && record.sourceUpdatedAt < than.sourceUpdatedAt
  );
}

/** A closed generation removes what it does not have. */
function applyMode({ rows, members }: MirrorStream, { mode }: Page<unknown>, keys: readonly (string | null)[]): void {
  if (mode.kind === 'upsert') return;
  const scope = members.get(mode.key) ?? new Map<string, string>();
  members.set(mode.key, scope);
  for (const key of keys) if (key !== null) scope.set(key, mode.generation);
  if (!mode.close) return;
  for (const [key, generation] of scope) {
    if (generation === mode.generation) continue;
    scope.delete(key);
    if (![...members.values()].some((other) => other.has(key))) rows.delete(key);
  }
}

/** What the platform holds, as the stream would store it: hash by key. Throws where the stream cannot read it. */
export function expectedRows(
  connector: AnyConnector,
  name: string,
  holdings: readonly unknown[],
): ReadonlyMap<string, string> {
  const stream = streamOf(connector, name);
  const table = tableOf(stream.kind);
  return new Map(holdings.map((raw) => contentOf(table, stream.parse(raw))).map(({ key, hash }) => [key, hash]));
}
