-- What stored facts say about a posting: how many of its skills the user has, how many others bid, where its budget lies
-- among those of its kind. A view: it is never behind its facts, and every caller sees through it what he may see without.
-- Locks nothing: creates a view.

-- Up Migration

create view job_analytics with (security_invoker = true) as
select
  p.id as job_id,
  p.user_id,
  p.integration_id,
  -- Per cent of the posting's skills that are among the profile's; null: it names none, or there is no profile.
  (
    select round(100.0 * count(*) filter (where lower(btrim(s.skill)) = any (o.skills)) / count(*), 2)
    from (
      select array_agg(lower(btrim(own.skill))) as skills
      from upwork_profiles u
      cross join lateral unnest(u.skills) as own (skill)
      where u.integration_id = p.integration_id
        and u.deleted_at is null
    ) o
    cross join unnest(p.skills) as s (skill)
    where o.skills is not null
    having count(*) > 0
  ) as skill_match,
  p.proposals_count,
  -- Upwork's own bands of applicants: fewer than 10, fewer than 20, 20 and more.
  case
    when p.proposals_count < 10 then 'low'
    when p.proposals_count < 20 then 'medium'
    when p.proposals_count >= 20 then 'high'
  end as competition_level,
  p.budget,
  p.currency,
  -- 0: the lowest of its peers, 100: the highest. Null: no budget, or nobody to compare with.
  case when p.budget is not null and p.peers > 1 then round((100 * p.rank)::numeric, 2) end as budget_percentile,
  -- Postings of the same kind, currency and category that name a budget, this one among them.
  case when p.budget is null then 0 else p.peers end as budget_peers
from (
  select j.*,
    count(*) over same_kind as peers,
    percent_rank() over (same_kind order by j.budget) as rank
  from (
    select id, user_id, integration_id, skills, proposals_count, job_type, currency, category,
      case job_type
        when 'hourly' then coalesce(hourly_rate_max, hourly_rate_min)
        else coalesce(budget_max, budget_min)
      end as budget
    from jobs
    where deleted_at is null
  ) j
  window same_kind as (
    partition by j.integration_id, j.job_type, j.currency, j.category, j.budget is null
  )
) p;
grant select on job_analytics to tidemark_api, tidemark_worker, tidemark_readonly, tidemark_backup;

-- Down Migration

drop view job_analytics;
