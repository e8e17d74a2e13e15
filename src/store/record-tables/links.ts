// How rows of one account find one another by the platform's ids, whichever of them comes first. Links stay inside the
// integration: its natural keys are indexed, and the account that bid is the account that saw the posting.

import { sql } from '../../db/sql.ts';
import type { RecordTable } from './record-table.ts';

type Lookup = NonNullable<RecordTable<never>['lookups']>[number];

/** The posting that a row names in `upwork_job_id`. */
export const jobLink: Lookup = {
  name: 'job_id',
  expression: sql`(
        select j.id
        from jobs j
        where j.integration_id = $1
          and j.upwork_job_id = i.upwork_job_id
      )`,
};

/** The contract that a row names in `upwork_contract_id`. */
export const contractLink: Lookup = {
  name: 'contract_id',
  expression: sql`(
        select c.id
        from contracts c
        where c.integration_id = $1
          and c.upwork_contract_id = i.upwork_contract_id
      )`,
};

// A row that is stored before what it names is linked when that arrives, not at its own next sync: that one skips
// unchanged rows and would never come back to it.

/** After postings came (`$1` integration, `$2` their keys). */
export const linkToJob = sql`
    with found as (
      select j.id, j.upwork_job_id
      from jobs j
      where j.integration_id = $1
        and j.upwork_job_id = any ($2::text[])
    ),
    proposed as (
      update proposals p
      set job_id = f.id, updated_at = now()
      from found f
      where p.integration_id = $1
        and p.upwork_job_id = f.upwork_job_id
        and p.job_id is null
    ),
    offered as (
      update offers o
      set job_id = f.id, updated_at = now()
      from found f
      where o.integration_id = $1
        and o.upwork_job_id = f.upwork_job_id
        and o.job_id is null
    )
    update contracts c
    set job_id = f.id, updated_at = now()
    from found f
    where c.integration_id = $1
      and c.upwork_job_id = f.upwork_job_id
      and c.job_id is null`;

/** After contracts came (`$1` integration, `$2` their keys). */
export const linkToContract = sql`
    with found as (
      select c.id, c.upwork_contract_id
      from contracts c
      where c.integration_id = $1
        and c.upwork_contract_id = any ($2::text[])
    ),
    worked as (
      update time_entries t
      set contract_id = f.id, updated_at = now()
      from found f
      where t.integration_id = $1
        and t.upwork_contract_id = f.upwork_contract_id
        and t.contract_id is null
    ),
    paid as (
      update payments p
      set contract_id = f.id, updated_at = now()
      from found f
      where p.integration_id = $1
        and p.upwork_contract_id = f.upwork_contract_id
        and p.contract_id is null
    )
    update conversations v
    set contract_id = f.id, updated_at = now()
    from found f
    where v.integration_id = $1
      and v.upwork_contract_id = f.upwork_contract_id
      and v.contract_id is null`;
