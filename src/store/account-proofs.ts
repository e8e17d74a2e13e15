// Which accounts are proven to be their integration's. A credential names its account itself, and a made-up one could name
// anybody's: until the platform has answered to it, no event of that account is the integration's.

import type { PlatformId } from '../core/platforms.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface Unproven {
  readonly integrationId: string;
  readonly userId: string;
}

/** Connected integrations whose account is not proven and was not tried since `triedBefore`; they count as tried now. For the scheduler. */
export async function takeUnproven(
  db: Queryable,
  platforms: readonly PlatformId[],
  { now, triedBefore, limit }: { readonly now: Date; readonly triedBefore: Date; readonly limit: number },
): Promise<readonly Unproven[]> {
  const { rows } = await db.query<Unproven>(
    sql`
    update integrations
    set account_tried_at = $2
    where id in (
      select id
      from integrations
      where platform_id = any ($1::text[])
        and status = 'connected'
        and account_proven_at is null
        and (account_tried_at is null or account_tried_at < $3)
      order by account_tried_at nulls first
      limit $4
      for update skip locked
    )
    returning id as "integrationId", user_id as "userId"`,
    [platforms, now, triedBefore, limit],
  );
  return rows;
}

/** New credentials prove nothing yet. */
export async function forgetAccountProof(db: Queryable, integrationId: string): Promise<void> {
  await db.query(
    sql`
    update integrations
    set account_proven_at = null, account_tried_at = null
    where id = $1`,
    [integrationId],
  );
}
