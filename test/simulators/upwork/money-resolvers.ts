// GraphQL roots of time and money: the time report, whose ranges are `yyyyMMdd` and whose other ranges find nothing, and
// the transaction history, which has no pages and times out when it has too much to say.

import { GraphQLError } from 'graphql';

import { contractNode, optionalTime, ownedBy } from './contract-resolvers.ts';
import { money } from './model.ts';
import { pageOf } from './paging.ts';
import type { Pagination } from './paging.ts';
import type { Scope } from './scope.ts';
import { platformTime } from './scope.ts';
import type { Transaction, WorkEntry } from './work-model.ts';

interface Range {
  readonly rangeStart?: string | null;
  readonly rangeEnd?: string | null;
}

interface TimeReportArguments {
  readonly filter?: {
    readonly organizationId_eq: string;
    readonly timeReportDate_bt: Range;
    readonly contractIds?: readonly string[] | null;
  } | null;
  readonly pagination?: Pagination | null;
}

interface TransactionArguments {
  readonly transactionHistoryFilter?: {
    readonly aceIds_any: readonly string[];
    readonly transactionDateTime_bt: Range;
  } | null;
}

const COMPACT_DAY = /^\d{8}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MAX_PAGE = 100;
const DAY_CHARS = 10;
const CENTS = 100;

/** `contractTimeReport`: both days inclusive; a range in any other spelling gives nothing and no error. */
export function contractTimeReport({ filter, pagination }: TimeReportArguments, scope: Scope): object {
  const { rangeStart = '', rangeEnd = '' } = filter?.timeReportDate_bt ?? {};
  const isRead = COMPACT_DAY.test(rangeStart ?? '') && COMPACT_DAY.test(rangeEnd ?? '');
  const compact = ({ day }: WorkEntry): string => day.replaceAll('-', '');
  const found = ownedBy(scope.state.work.time.all, scope)
    .filter(({ organizationId }) => organizationId === filter?.organizationId_eq)
    .filter(({ contractId }) => filter?.contractIds?.includes(contractId) ?? true)
    .filter((entry) => isRead && compact(entry) >= rangeStart! && compact(entry) <= rangeEnd!)
    .sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : Number(BigInt(a.id) - BigInt(b.id))));
  return pageOf(found, pagination ?? { first: MAX_PAGE }, {
    name: 'time',
    max: MAX_PAGE,
    node: (entry) => timeNode(entry, scope),
  });
}

function timeNode(entry: WorkEntry, scope: Scope): object {
  const { day, onlineHours, offlineHours, hourlyRate, termId } = entry;
  const charge = (hours: number): number => Math.round(hours * hourlyRate * CENTS) / CENTS;
  const contract = scope.state.work.contracts.all.get(entry.contractId);
  return {
    dateWorkedOn: day,
    weekWorkedOn: day,
    monthWorkedOn: day.slice(0, 'YYYY-MM'.length),
    yearWorkedOn: day.slice(0, 'YYYY'.length),
    contract: contract === undefined ? null : contractNode(contract, scope),
    termId,
    task: entry.task,
    taskDescription: null,
    memo: entry.memo,
    totalHoursWorked: onlineHours + offlineHours,
    totalCharges: charge(onlineHours + offlineHours),
    totalOnlineHoursWorked: onlineHours,
    totalOnlineCharge: charge(onlineHours),
    totalOfflineHoursWorked: offlineHours,
    totalOfflineCharge: charge(offlineHours),
    billRate: { id: termId, value: hourlyRate, code: 'HR', offerRef: entry.contractId },
  };
}

/** `accountingEntity`: of the organization that asks. */
export function accountingEntity(_args: unknown, { organization }: Scope): object {
  return { id: accountingIdOf(organization.id) };
}

function accountingIdOf(organizationId: string): string {
  return `77${organizationId}`;
}

/** `transactionHistory`: both days inclusive, no pages; more rows than `transactionsPerAnswer` are a timeout. */
export function transactionHistory({ transactionHistoryFilter: filter }: TransactionArguments, scope: Scope): object {
  const { rangeStart, rangeEnd } = filter?.transactionDateTime_bt ?? {};
  if (!DAY.test(rangeStart ?? '') || !DAY.test(rangeEnd ?? '')) {
    throw new GraphQLError('Invalid date format: expected yyyy-mm-dd', { extensions: { code: 'VJCA-6' } });
  }
  const dayOf = ({ createdAt }: Transaction): string => createdAt.toISOString().slice(0, DAY_CHARS);
  const found = ownedBy(scope.state.work.transactions.all, scope)
    .filter(({ organizationId }) => filter!.aceIds_any.includes(accountingIdOf(organizationId)))
    .filter((transaction) => dayOf(transaction) >= rangeStart! && dayOf(transaction) <= rangeEnd!)
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  if (found.length > scope.traps.transactionsPerAnswer) {
    throw new GraphQLError('Transform timeout', { extensions: { classification: 'DataFetchingException' } });
  }
  return { transactionDetail: { transactionHistoryRow: found.map(transactionNode) } };
}

function transactionNode(transaction: Transaction, index: number): object {
  const { id, type, subtype, amount, status, description, contractId, clientName } = transaction;
  return {
    rowNumber: index + 1,
    recordId: id,
    type,
    accountingSubtype: subtype,
    transactionAmount: amount,
    amountCreditedToUser: amount,
    payment: status === 'Paid' ? amount : money(0, amount.currency),
    runningChargeableBalance: money(0, amount.currency),
    paymentStatus: status,
    transactionCreationDate: platformTime(transaction.createdAt),
    transactionReviewDueDate: optionalTime(transaction.reviewDueAt),
    fullyPaidDate: optionalTime(transaction.paidAt),
    description,
    descriptionUI: description,
    relatedAssignment: contractId === null ? null : Number(contractId),
    relatedTransactionId: transaction.relatedTransactionId,
    assignmentCompanyName: clientName,
  };
}
