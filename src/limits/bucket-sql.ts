// The statements behind the Postgres governor; `bucket.ts` says the same as arithmetic. The last parameter of each is
// the instant in milliseconds since 1970, null for the database's own clock: workers' clocks never enter a bucket.

import { DECREASE, FLOOR, HARD_DECREASE, MOST_INCREASE, SOON_REQUESTS } from './aimd.ts';
import { MAX_DOUBLINGS, PROBE_MS } from './breaker.ts';

/** The instant as a double; `clock_timestamp()` and not `now()`, which stands still while a lock is waited for. */
const nowMs = (parameter: string): string =>
  `coalesce(${parameter}::float8, (extract(epoch from clock_timestamp()) * 1000)::float8)`;
const instant = (ms: string): string => `to_timestamp((${ms}) / 1000)`;
const toMs = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;
const dayOf = (ms: string): string => `date '1970-01-01' + floor((${ms}) / 86400000)::integer`;

/** Rows for buckets that nobody used before. $1 rule ids, $2 keys; in lock order, so that two of these cannot deadlock. */
export const INSERT_BUCKETS = `
  insert into rate_buckets (rule_id, key)
  select a.rule_id, a.key
  from unnest($1::text[], $2::text[]) as a (rule_id, key)
  order by a.rule_id, a.key
  on conflict (rule_id, key) do nothing`;

/**
 * Charges all buckets or none. $1 rule ids, $2 keys, $3 costs in requests, $4 costs in milliseconds, $5 slack,
 * $6 day limits or null, $7 instant. Answers one row: `missing` buckets (insert them and ask again), and the longest
 * wait with its reason; granted when it is not above zero.
 *
 * Rows are locked in key order before anything is judged, and the clock is read after the last lock. The update finds
 * each row at its locked version although the statement's snapshot may be older: Postgres follows the chain of versions
 * for the row it changes, and the new values come from `judged`, which read the locked one.
 */
export const TAKE = `
  with asked as (
    select *
    from unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
      as a (rule_id, key, cost, cost_ms, slack_ms, day_limit)
  ), locked as materialized (
    select b.rule_id, b.key, b.tat_ms, b.rate_factor, b.parked_until, b.breaker_until, b.day, b.day_used
    from rate_buckets b
    join asked using (rule_id, key)
    order by b.rule_id, b.key
    for update of b
  ), moment as materialized (
    select counted.found, ${nowMs('$7')} as now_ms
    from (select count(*) as found from locked) counted
  ), judged as materialized (
    select l.*, a.cost, a.cost_ms, a.slack_ms, a.day_limit, m.now_ms, ${dayOf('m.now_ms')} as today,
      case when l.day = ${dayOf('m.now_ms')} then l.day_used else 0 end as used_today
    from locked l
    join asked a using (rule_id, key)
    cross join moment m
  ), longest as materialized (
    select w.reason, w.wait_ms
    from judged j
    cross join lateral (values
      ('breaker', ${toMs('j.breaker_until')} - j.now_ms),
      ('day', case when j.used_today + j.cost > j.day_limit
        then (floor(j.now_ms / 86400000) + 1) * 86400000 - j.now_ms end),
      ('parked', ${toMs('j.parked_until')} - j.now_ms),
      ('rate', j.tat_ms - j.slack_ms - j.now_ms)
    ) as w (reason, wait_ms)
    where w.wait_ms is not null
    order by w.wait_ms desc, w.reason collate "C"
    limit 1
  ), charged as (
    update rate_buckets b
    set tat_ms = greatest(j.tat_ms, j.now_ms) + j.cost_ms / j.rate_factor,
      day = j.today,
      day_used = j.used_today + j.cost,
      probing = j.breaker_until is not null,
      breaker_until = case when j.breaker_until is not null then ${instant(`j.now_ms + ${PROBE_MS}`)} end,
      updated_at = ${instant('j.now_ms')}
    from judged j
    where b.rule_id = j.rule_id
      and b.key = j.key
      and (select wait_ms from longest) <= 0
      and (select found from moment) = cardinality($1::text[])
  )
  select cardinality($1::text[]) - m.found as missing, l.wait_ms, l.reason
  from moment m
  left join longest l on true`;

/** $1 rule id, $2 key, $3 requests more (less: negative) than charged, $4 the same in milliseconds, $5 instant. */
export const SETTLE = `
  with moment as materialized (
    select ${nowMs('$5')} as now_ms
  )
  update rate_buckets b
  set tat_ms = case when $4::float8 > 0
      then greatest(b.tat_ms, m.now_ms) + $4::float8 / b.rate_factor
      else b.tat_ms + $4::float8 end,
    day = ${dayOf('m.now_ms')},
    day_used = greatest(0, case when b.day = ${dayOf('m.now_ms')} then b.day_used else 0 end + $3::float8),
    updated_at = ${instant('m.now_ms')}
  from moment m
  where b.rule_id = $1
    and b.key = $2`;

/**
 * $1 rule id, $2 key, $3 how far TAT is ahead of now as the platform sees it or null, $4 how much less is near enough,
 * $5 how long to park or null, $6 to $9 the correction of the factor (times, haste, plus, most), $10 milliseconds between two requests,
 * $11 instant. Writes nothing to a bucket that is well.
 */
export const LEARN_OK = `
  with moment as materialized (
    select ${nowMs('$11')} as now_ms
  )
  update rate_buckets b
  set rate_factor = least(1, greatest(${FLOOR}, least(
      b.rate_factor * least(
        $6::float8 + $7::float8 * (greatest(0, coalesce(m.now_ms - ${toMs('b.parked_until')}, 0)) / $10::float8),
        ${1 + MOST_INCREASE}
      ) + $8::float8,
      $9::float8
    ))),
    failures = 0,
    breaker_until = null,
    probing = false,
    tat_ms = case when b.tat_ms < m.now_ms + $3::float8 - $4::float8
      then m.now_ms + $3::float8
      else b.tat_ms end,
    parked_until = greatest(b.parked_until, ${instant('m.now_ms + $5::float8')}),
    updated_at = ${instant('m.now_ms')}
  from moment m
  where b.rule_id = $1
    and b.key = $2
    and ($6::float8 < 1 or b.rate_factor > $9::float8 or (b.rate_factor < 1 and ($6::float8 > 1 or $8::float8 > 0))
      or b.failures > 0 or b.breaker_until is not null
      or b.tat_ms < m.now_ms + $3::float8 - $4::float8 or $5::float8 is not null)`;

/**
 * $1 rule id, $2 key, $3 how long to park, $4 milliseconds between two requests, $5 burst, $6 instant. Answers whether the bucket
 * was parked already.
 */
export const LEARN_RATE_LIMITED = `
  with before as materialized (
    select b.rule_id, b.key, b.parked_until
    from rate_buckets b
    where b.rule_id = $1
      and b.key = $2
    for update
  ), seen as materialized (
    select before.rule_id, before.key, m.now_ms, m.now_ms - ${toMs('before.parked_until')} as since_ms
    from before
    cross join lateral (select ${nowMs('$6')} as now_ms, before.key) m
  )
  update rate_buckets b
  set rate_factor = case
      when s.since_ms < 0 then b.rate_factor
      when s.since_ms < ${SOON_REQUESTS} * $4::float8 then greatest(${FLOOR}, b.rate_factor * ${HARD_DECREASE})
      else greatest(${FLOOR}, b.rate_factor * ${DECREASE}) end,
    tat_ms = greatest(b.tat_ms, s.now_ms + $3::float8 + ($5::float8 - 1) * $4::float8),
    parked_until = greatest(b.parked_until, ${instant('s.now_ms + $3::float8')}),
    updated_at = ${instant('s.now_ms')}
  from seen s
  where b.rule_id = s.rule_id
    and b.key = s.key
  returning coalesce(s.since_ms < 0, false) as was_parked, b.rate_factor`;

/** $1 rule id, $2 key, $3 failures that open the breaker, $4 how long at first, $5 instant. No row: a late failure. */
export const LEARN_FAILED = `
  with moment as materialized (
    select ${nowMs('$5')} as now_ms
  )
  update rate_buckets b
  set failures = least(b.failures + 1, $3::integer + ${MAX_DOUBLINGS}),
    breaker_until = case when b.failures + 1 >= $3::integer then ${instant(
      `m.now_ms + $4::float8 * 2 ^ (least(b.failures + 1, $3::integer + ${MAX_DOUBLINGS}) - $3::integer)`,
    )} else b.breaker_until end,
    probing = case when b.failures + 1 >= $3::integer then false else b.probing end,
    updated_at = ${instant('m.now_ms')}
  from moment m
  where b.rule_id = $1
    and b.key = $2
    and (b.breaker_until is null or ${toMs('b.breaker_until')} <= m.now_ms or b.probing)
  returning b.failures >= $3::integer as opened, b.breaker_until`;

/** $1 rule id, $2 key, $3 until, in milliseconds since 1970. */
export const PARK = `
  update rate_buckets b
  set parked_until = greatest(b.parked_until, ${instant('$3::float8')}),
    updated_at = clock_timestamp()
  where b.rule_id = $1
    and b.key = $2`;
