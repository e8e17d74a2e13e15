// Minutes of platform metrics become hours, hours become days. A row's open part is what the next period does not have yet: one
// statement takes it and adds it there, so a crash at any point leaves it in one place or the other, and what is added to a minute
// that was folded before is simply open again. Of several schedulers one folds at a time.

import type { Database, Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { ADDED_UP } from './platform-metrics.ts';

export type MetricPeriod = 'minute' | 'hour' | 'day';
/** A period whose rows are folded into the next longer one. */
export type FoldedPeriod = Exclude<MetricPeriod, 'day'>;

/** The last row of a batch: the next one goes on behind it. */
export interface FoldPlace {
  readonly integrationId: string;
  readonly metricType: string;
  /** To the microsecond, as the database writes it. */
  readonly start: string;
}

export interface FoldBatch {
  readonly period: FoldedPeriod;
  /** Only periods that began before. */
  readonly before: Date;
  readonly after: FoldPlace | null;
  readonly limit: number;
}

export interface Folded {
  readonly rows: number;
  /** Null: there was nothing left. */
  readonly last: FoldPlace | null;
}

/** What the parts of a longer period add up to; histograms by themselves, because most rows have none. */
const SUMS = sql`
    sums as (
      select integration_id, metric_type, start, min(user_id::text)::uuid as user_id, min(platform_id) as platform_id,
        min(metric_unit) as metric_unit, sum(open_count)::bigint as count, sum(open_sum order by period_start) as sum,
        min(min) as min, max(max) as max
      from parts
      group by integration_id, metric_type, start
    ),
    buckets as (
      select integration_id, metric_type, start, array_agg(n order by position) as histogram
      from (
        select p.integration_id, p.metric_type, p.start, b.position, sum(b.n)::bigint as n
        from parts p
        cross join lateral unnest(p.open_histogram) with ordinality as b (n, position)
        group by p.integration_id, p.metric_type, p.start, b.position
      ) b
      group by integration_id, metric_type, start
    )`;

/**
 * `$1` period, `$2` before, `$3` to `$5` the last row of the batch before, `$6` limit. Locked rows are looked at as they are by
 * then, and those that somebody else has in hand are left to the next pass. Rows are written in the order of their key, so
 * two that fold into the same hours wait for each other and no more.
 */
function foldStatement(period: FoldedPeriod): string {
  const longer = period === 'minute' ? 'hour' : 'day';
  // Days are folded into nothing, so they have nothing open.
  const isOpen = longer === 'hour';
  return sql`
    with picked as (
      select integration_id, metric_type, period_start, user_id, platform_id, metric_unit, open_count, open_sum, min, max,
        open_histogram
      from platform_metrics
      where period = $1
        and open_count > 0
        and period_start < $2
        and ($3::uuid is null or (integration_id, metric_type, period_start) > ($3, $4::text, $5::timestamptz))
      order by integration_id, metric_type, period_start
      limit $6
      for update skip locked
    ),
    closed as (
      update platform_metrics m
      set open_count = 0, open_sum = 0, open_histogram = '{}'
      from picked p
      where m.period = $1
        and m.integration_id = p.integration_id
        and m.metric_type = p.metric_type
        and m.period_start = p.period_start
    ),
    parts as (
      select *, date_trunc('${longer}', period_start, 'UTC') as start
      from picked
    ),
    ${SUMS},
    added as (
      insert into platform_metrics as m
        (user_id, integration_id, platform_id, period, metric_type, metric_unit, period_start, count, sum, min, max, histogram,
         open_count, open_sum, open_histogram)
      select s.user_id, s.integration_id, s.platform_id, '${longer}', s.metric_type, s.metric_unit, s.start, s.count, s.sum, s.min,
        s.max, coalesce(b.histogram, '{}'),
        ${isOpen ? `s.count, s.sum, coalesce(b.histogram, '{}')` : `0, 0, '{}'`}
      from sums s
      left join buckets b using (integration_id, metric_type, start)
      order by s.integration_id, s.metric_type, s.start
      ${ADDED_UP}
    )
    select integration_id as "integrationId", metric_type as "metricType", period_start::text as start,
      (count(*) over ())::integer as rows
    from picked
    order by integration_id desc, metric_type desc, period_start desc
    limit 1`;
}

/** Folds one batch in one statement; for the scheduler. */
export async function foldMetrics(db: Queryable, { period, before, after, limit }: FoldBatch): Promise<Folded> {
  const { rows } = await db.query<FoldPlace & { readonly rows: number }>(foldStatement(period), [
    period,
    before,
    after?.integrationId ?? null,
    after?.metricType ?? null,
    after?.start ?? null,
    limit,
  ]);
  if (rows[0] === undefined) return { rows: 0, last: null };
  const { rows: count, ...last } = rows[0];
  return { rows: count, last };
}

/**
 * The same, unless somebody else folds right now: then nothing. Two that fold the same rows would have the server look at them again;
 * a server of version 18.4 crashed once while tests did that, and it may have been the reason.
 */
export async function foldAlone(db: Database, batch: FoldBatch): Promise<Folded> {
  return await db.tx({ kind: 'none' }, async (tx) => {
    const { rows } = await tx.query<{ mine: boolean }>(
      sql`select pg_try_advisory_xact_lock(hashtextextended('fold metrics', 0)) as mine`,
    );
    return rows[0]!.mine ? await foldMetrics(tx, batch) : { rows: 0, last: null };
  });
}

/** Says that rows of a period from before `before` may be missing from now on. Before they are forgotten. */
export async function moveHorizon(db: Queryable, period: MetricPeriod, before: Date): Promise<void> {
  await db.query(
    sql`
    insert into platform_metric_horizons as h (period, kept_from)
    values ($1, $2)
    on conflict (period) do update
    set kept_from = excluded.kept_from
    where h.kept_from < excluded.kept_from`,
    [period, before],
  );
}

/** Forgets rows of a period from before then that were folded, or are days; at most `limit`, how many. */
export async function pruneMetrics(db: Database, period: MetricPeriod, before: Date, limit: number): Promise<number> {
  return await db.tx({ kind: 'none' }, async (tx) => {
    await moveHorizon(tx, period, before);
    const { rowCount } = await tx.query(
      sql`
      with old as (
        select integration_id, metric_type, period_start
        from platform_metrics
        where period = $1
          and period_start < $2
          and open_count = 0
        order by period_start
        limit $3
        for update skip locked
      )
      delete from platform_metrics m
      using old o
      where m.period = $1
        and m.integration_id = o.integration_id
        and m.metric_type = o.metric_type
        and m.period_start = o.period_start`,
      [period, before, limit],
    );
    return rowCount ?? 0;
  });
}

/** How many rows `pruneMetrics` would forget. In the scope of an operator. */
export async function countOldMetrics(db: Queryable, period: MetricPeriod, before: Date): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(
    sql`
    select count(*)::double precision as rows
    from platform_metrics
    where period = $1
      and period_start < $2
      and open_count = 0`,
    [period, before],
  );
  return rows[0]!.rows;
}
