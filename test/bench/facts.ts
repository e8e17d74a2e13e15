// Facts of daily metrics by the hundred for each user: proposals, orders and a talk, six hours apart around one day.

import type { BenchDatabase } from './world.ts';

export const FACTS_PER_USER = 100;
/** In the middle of all facts. */
export const FACT_DAY = '2026-03-01';

const STATEMENTS = [
  `insert into proposals (user_id, integration_id, upwork_proposal_id, status, platform_status, submitted_at, content_hash)
   select i.user_id, i.id, 'p' || n, 'submitted', 'submitted', $1::timestamptz + (n - 25) * interval '6 hours', '\\x00'
   from fresh i cross join generate_series(1, 50) as n`,
  `insert into orders (user_id, integration_id, order_key, posting_status, posting_ordered_at, posting_amount, posting_currency)
   select i.user_id, i.id, 'o' || n, 'delivered', $1::timestamptz + (n - 12) * interval '12 hours', n,
     (array['USD', 'RUB'])[1 + n % 2]
   from fresh i cross join generate_series(1, 25) as n`,
  `insert into messages (id, user_id, integration_id, chat_key, platform_message_id, direction, status, sent_at, content_hash)
   select gen_random_uuid(), i.user_id, i.id, 'chat', 'm' || n, (array['inbound', 'outbound'])[1 + n % 2],
     (array['received', 'sent'])[1 + n % 2], $1::timestamptz + (n - 12) * interval '12 hours', '\\x00'
   from fresh i cross join generate_series(1, 25) as n`,
] as const;

/** For users without any; in pieces, so that no statement takes long. */
export async function addFacts(database: BenchDatabase): Promise<void> {
  for (const statement of STATEMENTS.toReversed())
    await database.asSuperuser(
      `with fresh as materialized (
         select i.id, i.user_id from integrations i where not exists (select from proposals p where p.user_id = i.user_id)
       )
       ${statement}`,
      [`${FACT_DAY}T12:00:00Z`],
    );
  await database.asSuperuser('analyze proposals; analyze orders; analyze messages');
}
