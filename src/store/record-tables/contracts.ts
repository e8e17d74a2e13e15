// Contracts in the table `contracts`, with the posting they came from when this integration has it.

import type { ContractRecord } from '../../core/records.ts';
import { jobLink, linkToContract } from './links.ts';
import { decimal, instant, text, type RecordTable } from './record-table.ts';

export const contractsTable: RecordTable<ContractRecord> = {
  name: 'contracts',
  keyColumns: ['upwork_contract_id'],
  keyOf: (contract) => contract.upworkContractId,
  columns: [
    text('upwork_contract_id', (contract) => contract.upworkContractId),
    text('upwork_job_id', (contract) => contract.upworkJobId),
    text('upwork_offer_id', (contract) => contract.upworkOfferId),
    text('client_id', (contract) => contract.clientId),
    text('client_name', (contract) => contract.clientName),
    text('title', (contract) => contract.title),
    text('contract_type', (contract) => contract.contractType),
    decimal('hourly_rate', (contract) => contract.hourlyRate),
    text('hourly_rate_currency', (contract) => contract.hourlyRateCurrency),
    decimal('fixed_amount', (contract) => contract.fixedAmount),
    text('fixed_amount_currency', (contract) => contract.fixedAmountCurrency),
    decimal('weekly_limit_hours', (contract) => contract.weeklyLimitHours),
    text('status', (contract) => contract.status),
    text('platform_status', (contract) => contract.platformStatus),
    text('closing_reason', (contract) => contract.closingReason),
    instant('start_date', (contract) => contract.startDate),
    instant('end_date', (contract) => contract.endDate),
    instant('source_updated_at', (contract) => contract.sourceUpdatedAt),
  ],
  dirtyInstants: [],
  lookups: [jobLink],
  // Hours, money and talks may be stored before their contract is.
  afterInsert: linkToContract,
};
