// What a connector says about one kind of record: how to plan it, how to read pages, how to make domain records of what
// came. A stream sees http, clock, signal, credential and log; never the database, the queue or the vault.

import type { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import type { ErrorReport } from '../../core/errors.ts';
import type { RecordKind, RecordKinds } from '../../core/records.ts';
import type { Secret } from '../../core/secret.ts';
import type { HttpClient } from '../../http/http-client.ts';
import type { EventLog } from '../../telemetry/event-log.ts';

export type SyncType = 'full' | 'incremental' | 'backfill';

/** What this run is to fetch; decided by the engine from stream state and policy. */
export interface Plan<Cursor> {
  readonly type: SyncType;
  /** Where the last stored page left off; null at the start of a full pass. */
  readonly cursor: Cursor | null;
  /** Read changes from here on (high-water mark minus lookback, or where a backfill's window begins); null: everything. */
  readonly since: Date | null;
  /**
   * The instant of planning: nothing newer needs to be waited for. Of a backfill: where its window ends, exclusive. A
   * stream that cannot leave out what is newer reads it too.
   */
  readonly until: Date;
}

/** The credential of the integration, opened for this run only. */
export interface CredentialAccess<Credential> {
  /** The current one; refreshed first when it is about to expire. Throws `credential.*`. */
  current(): Promise<Secret<Credential>>;
  /** After a 401: a newer one than `rejected`. Refreshes at most once per run, otherwise throws `platform.unauthorized`. */
  renew(rejected: Secret<Credential>): Promise<Secret<Credential>>;
}

export interface ReadContext<Credential, Settings> {
  readonly http: HttpClient;
  readonly credential: CredentialAccess<Credential>;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: EventLog;
  /** Identity of this machine's outgoing address, for limits that count per address. */
  readonly egressId: string;
}

/**
 * How a page changes what is stored.
 *
 * - `upsert` rows are inserted or updated; rows that are absent say nothing
 * - `scope` the page is part of generation `generation` of the rows under `key`; with `close` true the generation is
 *   complete and stored rows of the scope that it did not contain are removed (`deleted_at`), under a brake
 */
export type PageMode =
  | { readonly kind: 'upsert' }
  | { readonly kind: 'scope'; readonly key: string; readonly generation: string; readonly close: boolean };

export interface Page<Cursor> {
  /** At most 1,000 records as they came, parsed as JSON and nothing more. */
  readonly records: readonly unknown[];
  readonly mode: PageMode;
  /** "True once this page is stored"; absent when the position cannot be resumed yet. */
  readonly checkpoint?: Cursor;
  /** The source's time range that is complete once this page is stored. */
  readonly covered?: { readonly from: Date; readonly to: Date };
  /** For people: how far the run is. */
  readonly progress?: { readonly done: number; readonly total: number | null };
  /** When the credential in hand ends, as the platform says: its user is warned in time. */
  readonly credentialExpiresAt?: Date;
  /** What the platform complained about while it still answered; the run then ends `partial`. */
  readonly problems?: readonly ErrorReport[];
}

export interface StreamCursor<Cursor> {
  /** Grows when the meaning of the cursor changes; an older stored one is planned again from a safe point. */
  readonly version: number;
  readonly schema: z.ZodType<Cursor>;
}

export interface Stream<Credential, Settings, Kind extends RecordKind = RecordKind, Cursor = unknown> {
  readonly name: string;
  /** Picks the store table. */
  readonly kind: Kind;
  /**
   * Whose the records are. `user`: the user's own affairs, kept for as long as he is. `platform`: what the platform lets
   * him see of others; our rows are a cache of it, which retention may erase.
   */
  readonly owner: 'user' | 'platform';
  readonly defaultIntervalMinutes: number;
  /** A full pass at least this often, in milliseconds; null: only the first one. */
  readonly fullEveryMs: number | null;
  /** How far behind the high-water mark an incremental pass starts, in milliseconds. */
  readonly lookbackMs: number;
  /** False when asking for the next page acknowledges the last one. */
  readonly readAhead: boolean;
  /** Requests an incremental run usually costs; the unit of fair admission. */
  readonly typicalCost: number;
  readonly cursor: StreamCursor<Cursor>;
  /** High-water mark inside a cursor, or null. The engine subtracts the lookback. */
  highWaterMark(cursor: Cursor): Date | null;
  /** Pages in an order that may be stored one by one. Throws AppError with the kind that fits. */
  read(plan: Plan<Cursor>, context: ReadContext<Credential, Settings>): AsyncIterable<Page<Cursor>>;
  /** A raw record as domain record. Throws `record.invalid` with `details.path`; must not do I/O. */
  parse(raw: unknown): RecordKinds[Kind];
  /** Natural key inside the integration, for quarantine and for folding duplicates; null when it has none. */
  keyOf(raw: unknown): string | null;
}
