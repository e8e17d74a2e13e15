// Shops in the table `seller_accounts`.

import type { SellerAccountRecord } from '../../core/records.ts';
import { decimal, instant, json, text, textList, type RecordTable } from './record-table.ts';

export const sellerAccountsTable: RecordTable<SellerAccountRecord> = {
  name: 'seller_accounts',
  keyColumns: ['account_key'],
  keyOf: (account) => account.accountKey,
  columns: [
    text('account_key', (account) => account.accountKey),
    text('name', (account) => account.name),
    text('legal_name', (account) => account.legalName),
    text('tax_id', (account) => account.taxId),
    text('country', (account) => account.country),
    text('currency', (account) => account.currency),
    text('subscription', (account) => account.subscription),
    decimal('rating', (account) => account.rating),
    json('ratings', (account) => account.ratings),
    textList('permissions', (account) => account.permissions),
    instant('credential_expires_at', (account) => account.credentialExpiresAt),
    json('details', (account) => account.details),
    instant('source_updated_at', (account) => account.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
