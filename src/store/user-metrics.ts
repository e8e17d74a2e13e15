// One local day of one user, recomputed from the facts. The definitions come from `src/rollups`; this file knows where the
// facts lie and that a sealed day is never written again.

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';

/** One column of `user_metrics` and how it follows from the day's facts. */
export interface MetricDefinition {
  readonly column: string;
  /** What the number says, for people. */
  readonly meaning: string;
  /** Aggregate over `facts`: see `rollDay` for its columns. Code, never input. */
  readonly expression: string;
}

export interface RolledDay {
  readonly userId: string;
  /** `YYYY-MM-DD` in the user's zone. */
  readonly day: string;
  readonly now: Date;
}

/** Serializes rollups of one day: without it the slower of two could overwrite the newer result. */
export async function lockDay(tx: Queryable, { userId, day }: RolledDay): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 0))`, [userId, day]);
}

/**
 * Recomputes the day; returns the number of facts, or null when the day is sealed or the user is gone.
 *
 * `facts` are the user's live proposals with an instant on that day: `sent`, `viewed`, `interviewed`, `hired` say which of
 * them fell on it, `ever_…` what happened to the proposal at any time. The day is the one that `timestamptz at time zone`
 * gives, as for the marks, so days of 23 and 25 hours and midnights that a zone skips or repeats fall where the marks do;
 * the two bounds only let the indexes help.
 */
export async function rollDay(
  tx: Queryable,
  { userId, day, now }: RolledDay,
  definitions: readonly MetricDefinition[],
): Promise<number | null> {
  const instants = ['submitted_at', 'viewed_at', 'interviewed_at', 'hired_at'];
  const names = definitions.map(({ column }) => ident(column));
  const { rows } = await tx.query<{ input_count: number }>(
    sql`
    with zone as (
      select timezone, reporting_currency,
        ($2::date::timestamp at time zone timezone) - interval '3 hours' as from_at,
        (($2::date + 1)::timestamp at time zone timezone) + interval '3 hours' as to_at
      from users
      where id = $1
    ),
    facts as (
      select *
      from (
        select p.id, p.content_hash,
          ${instants.map((instant) => `coalesce((p.${instant} at time zone z.timezone)::date = $2::date, false) as ${factOf(instant)}`).join(', ')},
          ${instants.map((instant) => `p.${instant} is not null as ever_${factOf(instant)}`).join(', ')}
        from zone z
        cross join proposals p
        where p.user_id = $1
          and p.deleted_at is null
          and p.status <> 'draft'
          and (${instants.map((instant) => `(p.${instant} >= z.from_at and p.${instant} < z.to_at)`).join(' or ')})
      ) as near
      where ${instants.map(factOf).join(' or ')}
    ),
    computed as (
      select ${definitions.map(({ expression }, index) => `${expression} as ${names[index]}`).join(', ')},
        count(*)::integer as input_count,
        sha256(coalesce(string_agg(content_hash, ''::bytea order by id), ''::bytea)) as input_hash
      from facts
    )
    insert into user_metrics as m
      (user_id, date, timezone, currency, ${names.join(', ')}, input_count, input_hash, computed_at, updated_at)
    select $1, $2, z.timezone, z.reporting_currency, ${names.map((name) => `c.${name}`).join(', ')}, c.input_count,
      c.input_hash, $3, $3
    from zone z
    cross join computed c
    on conflict (user_id, date) do update
    set timezone = excluded.timezone, currency = excluded.currency,
      ${names.map((name) => `${name} = excluded.${name}`).join(', ')},
      input_count = excluded.input_count, input_hash = excluded.input_hash, computed_at = excluded.computed_at,
      updated_at = excluded.updated_at
    where m.sealed_at is null
    returning input_count`,
    [userId, day, now],
  );
  return rows[0]?.input_count ?? null;
}

/** `submitted_at` → `sent`, `viewed_at` → `viewed`. */
function factOf(instant: string): string {
  return instant === 'submitted_at' ? 'sent' : instant.replace('_at', '');
}
