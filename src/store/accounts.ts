// Whose account an integration stands for: the id that is known of it, or else the one that it was connected with. Two
// integrations of a user may share an account and differ by organisation; only the first of them has the id for itself.

import type { PlatformId } from '../core/platforms.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

const ACCOUNT = `coalesce(i.external_account_id, (
        select e.external_account_id
        from oauth_exchanges e
        where e.integration_id = i.id
          and e.status = 'done'
        order by e.updated_at desc
        limit 1
      ))`;

/** Null: nobody knows. */
export async function accountOfIntegration(db: Queryable, integrationId: string): Promise<string | null> {
  const { rows } = await db.query<{ account: string | null }>(
    sql`
    select ${ACCOUNT} as account
    from integrations i
    where i.id = $1`,
    [integrationId],
  );
  return rows[0]?.account ?? null;
}

export interface AccountKey {
  readonly userId: string;
  readonly platformId: PlatformId;
  readonly externalAccountId: string;
}

/** The user's integrations of this account. */
export async function integrationsOfAccount(
  db: Queryable,
  { userId, platformId, externalAccountId }: AccountKey,
): Promise<readonly { readonly id: string; readonly settings: unknown }[]> {
  const { rows } = await db.query<{ id: string; settings: unknown }>(
    sql`
    select i.id, i.settings
    from integrations i
    where i.user_id = $1
      and i.platform_id = $2
      and ${ACCOUNT} = $3
    order by i.id`,
    [userId, platformId, externalAccountId],
  );
  return rows;
}
