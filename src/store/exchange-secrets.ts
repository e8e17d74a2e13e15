// The sealed parts of exchanges: verifier, code, tokens. The api role writes them and cannot read them; only the worker, under a
// lease, reads them, and removes each as soon as it was spent.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { SealedColumns } from './credentials.ts';

export type ExchangePart = 'verifier' | 'code' | 'tokens';

export interface ExchangeKey {
  readonly exchangeId: string;
  readonly userId: string;
}

export async function insertExchangeSecret(
  db: Queryable,
  { exchangeId, userId }: ExchangeKey,
  part: ExchangePart,
  { ciphertext, wrappedKey, keyId }: SealedColumns,
): Promise<void> {
  await db.query(
    sql`
    insert into oauth_exchange_secrets (exchange_id, user_id, part, ciphertext, wrapped_key, key_id)
    values ($1, $2, $3, $4, $5, $6)`,
    [exchangeId, userId, part, ciphertext, wrappedKey, keyId],
  );
}

export type ExchangeSecrets = Readonly<Partial<Record<ExchangePart, SealedColumns>>>;

export async function loadExchangeSecrets(db: Queryable, exchangeId: string): Promise<ExchangeSecrets> {
  const { rows } = await db.query<SealedColumns & { readonly part: ExchangePart }>(
    sql`
    select part, ciphertext, wrapped_key as "wrappedKey", key_id as "keyId"
    from oauth_exchange_secrets
    where exchange_id = $1`,
    [exchangeId],
  );
  return Object.fromEntries(rows.map(({ part, ...sealed }) => [part, sealed]));
}

export async function removeExchangeSecrets(
  db: Queryable,
  exchangeId: string,
  parts: readonly ExchangePart[] = ['verifier', 'code', 'tokens'],
): Promise<void> {
  await db.query(
    sql`
    delete from oauth_exchange_secrets
    where exchange_id = $1
      and part = any ($2)`,
    [exchangeId, parts],
  );
}
