// Money in the table `payments`.

import type { PaymentRecord } from '../../core/records.ts';
import { contractLink } from './links.ts';
import { decimal, instant, text, type RecordTable } from './record-table.ts';

export const paymentsTable: RecordTable<PaymentRecord> = {
  name: 'payments',
  keyColumns: ['platform_payment_id'],
  keyOf: (payment) => payment.platformPaymentId,
  columns: [
    text('platform_payment_id', (payment) => payment.platformPaymentId),
    text('kind', (payment) => payment.kind),
    text('platform_kind', (payment) => payment.platformKind),
    text('upwork_contract_id', (payment) => payment.upworkContractId),
    decimal('amount', (payment) => payment.amount),
    text('currency', (payment) => payment.currency),
    text('status', (payment) => payment.status),
    text('platform_status', (payment) => payment.platformStatus),
    text('description', (payment) => payment.description),
    text('client_name', (payment) => payment.clientName),
    text('related_payment_id', (payment) => payment.relatedPaymentId),
    instant('occurred_at', (payment) => payment.occurredAt),
    instant('due_at', (payment) => payment.dueAt),
    instant('payment_date', (payment) => payment.paymentDate),
    instant('source_updated_at', (payment) => payment.sourceUpdatedAt),
  ],
  dirtyInstants: ['occurred_at'],
  lookups: [contractLink],
};
