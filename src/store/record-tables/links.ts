// How rows of one account find one another by the platform's ids, whichever of them comes first. Links stay inside the
// integration: its natural keys are indexed, and the account that bid is the account that saw the posting.

import { ident, sql } from '../../db/sql.ts';
import type { RecordTable } from './record-table.ts';

type Lookup = NonNullable<RecordTable<never>['lookups']>[number];

/** How a row names another one: by the platform's id in `key`, by ours in `column`. */
interface Naming {
  readonly key: string;
  readonly column: string;
}

const JOB: Naming = { key: 'upwork_job_id', column: 'job_id' };
const CONTRACT: Naming = { key: 'upwork_contract_id', column: 'contract_id' };

/** The row of `named` that an incoming row names. */
function linkTo(named: string, { key, column }: Naming): Lookup {
  return {
    name: column,
    expression: sql`(
        select n.id
        from ${ident(named)} n
        where n.integration_id = $1
          and n.${ident(key)} = i.${ident(key)}
      )`,
  };
}

export const jobLink = linkTo('jobs', JOB);
export const contractLink = linkTo('contracts', CONTRACT);
export const conversationLink = linkTo('conversations', { key: 'chat_key', column: 'conversation_id' });

/** Whether a row of `table` names the posting `t`: two questions, by our id and by the platform's, each with an index. */
export function namesJob(table: string): readonly string[] {
  return ['o.job_id = t.id', 'o.upwork_job_id = t.upwork_job_id'].map(
    (isNamed) => `exists (select from ${ident(table)} o where o.user_id = t.user_id and ${isNamed})`,
  );
}

// A row that is stored before what it names is linked when that arrives, not at its own next sync: that one skips
// unchanged rows and would never come back to it.

/** The statement for after rows of `named` came (`$1` integration, `$2` their keys): `column` of `tables` points at them. */
function linkAfter(named: string, { key, column }: Naming, tables: readonly string[]): string {
  const updates = tables.map(
    (table) => sql`${ident(`linked_${table}`)} as (
      update ${ident(table)} t
      set ${ident(column)} = f.id, updated_at = now()
      from found f
      where t.integration_id = $1
        and t.${ident(key)} = f.${ident(key)}
        and t.${ident(column)} is null
    )`,
  );
  return sql`
    with found as (
      select n.id, n.${ident(key)}
      from ${ident(named)} n
      where n.integration_id = $1
        and n.${ident(key)} = any ($2::text[])
    ),
    ${updates.join(', ')}
    select`;
}

/** What the user has to do with a posting: it names it, and is linked to it. */
export const NAMING_JOBS = ['proposals', 'offers', 'contracts'] as const;

export const linkToJob = linkAfter('jobs', { key: 'upwork_job_id', column: 'job_id' }, NAMING_JOBS);

export const linkToContract = linkAfter('contracts', CONTRACT, ['time_entries', 'payments', 'conversations']);

/** By the keys of the messages, which say in which months they lie. */
export const linkToConversation = sql`
    update messages m
    set conversation_id = c.id, updated_at = now()
    from conversations c
    join message_keys k on k.integration_id = c.integration_id and k.chat_key = c.chat_key
    where c.integration_id = $1
      and c.chat_key = any ($2::text[])
      and m.id = k.message_id
      and m.sent_at = k.sent_at
      and m.conversation_id is null`;
