// The work of an account as the rows we expect of it, by a mapping of its own, beside the same columns as SQL: contracts,
// hours, money, rooms, stories and offers. `compareRows` names every difference.

import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import type { Collection } from '../simulators/upwork/work-state.ts';
import type { Contract, Offer, Owned, Room, Story, Transaction, WorkEntry } from '../simulators/upwork/work-model.ts';
import { amount, compareRows, seconds, storable, type Comparison, type Row } from './compare.ts';

export interface WorkSource {
  /** Name of the stream. */
  readonly stream: string;
  readonly expected: (sim: UpworkSimulator, added: AddedAccount) => ReadonlyMap<string, Row>;
  /** Live rows with their key. */
  readonly sql: string;
}

const at = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as ${column}`;
const number = (column: string): string => `trim_scale(${column})::text as ${column}`;

/** Rows of the account's records of one kind, by id. */
function byId<R extends Owned>(
  collection: Collection<R>,
  { account }: AddedAccount,
  rowOf: (record: R) => Row,
): Map<string, Row> {
  const own = [...collection.all.values()].filter(({ accountId }) => accountId === account.id);
  return new Map(own.map((record) => [record.id, rowOf(record)]));
}

function contractRow({ hourlyTerms, fixedAmount, weeklyLimit, ...contract }: Contract): Row {
  const term = hourlyTerms.toSorted((a, b) => a.startDate.getTime() - b.startDate.getTime()).at(-1) ?? null;
  return {
    title: storable(contract.title),
    status: contract.status.toLowerCase(),
    upwork_job_id: contract.postingId,
    upwork_offer_id: contract.offerId,
    client_name: contract.client.name,
    hourly_rate: fixedAmount === null ? amount(term?.hourlyRate ?? null) : null,
    fixed_amount: amount(fixedAmount),
    weekly_limit_hours: weeklyLimit === null ? null : String(weeklyLimit),
    closing_reason: contract.closingReason,
    start_date: seconds(contract.startDate),
    end_date: seconds(contract.endDate),
    source_updated_at: seconds(contract.modifiedAt),
  };
}

function paymentRow(transaction: Transaction): Row {
  return {
    // Of a payment, nothing is an amount.
    amount: amount(transaction.amount) ?? '0',
    currency: transaction.amount.currency,
    platform_kind: transaction.subtype,
    platform_status: transaction.status,
    upwork_contract_id: transaction.contractId,
    description: storable(transaction.description),
    occurred_at: seconds(transaction.createdAt),
    payment_date: seconds(transaction.paidAt),
  };
}

function offerRow(offer: Offer): Row {
  const states = { SUBMITTED: 'pending', ACCEPTED: 'accepted', REJECTED: 'rejected', WITHDRAWN: 'withdrawn' } as const;
  return {
    title: storable(offer.title),
    message: offer.message,
    status: offer.state === 'EXPIRED' ? 'expired' : states[offer.state],
    hourly_rate: amount(offer.hourlyRate),
    fixed_amount: amount(offer.budget),
  };
}

function roomRow(sim: UpworkSimulator, { id, members, accountId, ...room }: Room): Row {
  const written = [...sim.state.work.stories.all.values()].filter(({ roomId }) => roomId === id);
  const newest = written.reduce((last, { createdAt }) => Math.max(last, createdAt.getTime()), 0);
  return {
    title: room.name,
    topic: room.topic,
    kind: { GROUP: 'group', ONE_ON_ONE: 'direct', INTERVIEW: 'interview' }[room.type],
    people: [accountId, ...members.map((member) => member.id)].toSorted().join('|'),
    unread_count: room.unread,
    is_hidden: String(room.listing === 'hidden'),
    upwork_contract_id: room.contractId,
    last_message_at: newest === 0 ? null : seconds(new Date(newest)),
  };
}

function storyRow(story: Story): Row {
  const isOwn = story.authorId === story.accountId;
  return {
    content: story.message === null ? null : storable(story.message),
    direction: isOwn ? 'outbound' : 'inbound',
    role: story.authorId === null ? 'system' : 'user',
    sender_id: story.authorId,
    files: story.attachments.map(({ name }) => name).join('|'),
    sent_at: seconds(story.createdAt),
    source_updated_at: seconds(story.updatedAt),
  };
}

/** Hours have no id: rows of a contract and day are numbered by what they say. */
function hourRows(sim: UpworkSimulator, { account }: AddedAccount): Map<string, Row> {
  const keyed = [...sim.state.work.time.all.values()]
    .filter(({ accountId }) => accountId === account.id)
    .map((entry): readonly [string, WorkEntry] => [
      [entry.contractId, entry.day, entry.termId, entry.task ?? '', entry.memo ?? '', entry.onlineHours].join('|'),
      entry,
    ])
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const counts = new Map<string, number>();
  return new Map(
    keyed.map(([key, entry]) => {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return [`${key}|${count}`, { hours: String(entry.onlineHours + entry.offlineHours) }];
    }),
  );
}

const HOUR_KEY = `concat_ws('|', upwork_contract_id, work_date::text, term_id, coalesce(task, ''), coalesce(memo, ''),
      trim_scale(online_hours)::text)`;

export const WORK_SOURCES: readonly WorkSource[] = [
  {
    stream: 'contracts',
    expected: (sim, added) => byId(sim.state.work.contracts, added, contractRow),
    sql: `
      select upwork_contract_id as key, title, status, upwork_job_id, upwork_offer_id, client_name, ${number('hourly_rate')},
        ${number('fixed_amount')}, ${number('weekly_limit_hours')}, closing_reason, ${at('start_date')}, ${at('end_date')},
        ${at('source_updated_at')}
      from contracts where deleted_at is null`,
  },
  {
    stream: 'time_entries',
    expected: hourRows,
    sql: `
      select ${HOUR_KEY} || '|' || row_number() over (partition by ${HOUR_KEY} order by entry_key) as key,
        ${number('hours')}
      from time_entries where deleted_at is null`,
  },
  {
    stream: 'transactions',
    expected: (sim, added) => byId(sim.state.work.transactions, added, paymentRow),
    sql: `
      select platform_payment_id as key, ${number('amount')}, currency, platform_kind, platform_status, upwork_contract_id,
        description, ${at('occurred_at')}, ${at('payment_date')}
      from payments where deleted_at is null`,
  },
  {
    stream: 'rooms',
    expected: (sim, added) => byId(sim.state.work.rooms, added, (room) => roomRow(sim, room)),
    sql: `
      select chat_key as key, title, topic, kind, unread_count, is_hidden::text as is_hidden, upwork_contract_id,
        (select string_agg(p ->> 'id', '|' order by p ->> 'id' collate "C") from jsonb_array_elements(participants) p) as people,
        ${at('last_message_at')}
      from conversations where integration_id in (select id from integrations where platform_id = 'upwork') and deleted_at is null`,
  },
  {
    stream: 'messages',
    expected: (sim, added) => byId(sim.state.work.stories, added, storyRow),
    sql: `
      select platform_message_id as key, content, direction, role, sender_id, ${at('sent_at')}, ${at('source_updated_at')},
        coalesce((select string_agg(a ->> 'name', '|') from jsonb_array_elements(attachments) a), '') as files
      from messages where integration_id in (select id from integrations where platform_id = 'upwork') and deleted_at is null`,
  },
  {
    stream: 'offers',
    expected: (sim, added) => byId(sim.state.work.offers, added, offerRow),
    sql: `
      select upwork_offer_id as key, title, message, status, ${number('hourly_rate')}, ${number('fixed_amount')}
      from offers where deleted_at is null`,
  },
];

/** Every row of an account's work against the platform; `rowsOf` asks in the name of its user. */
export async function compareWork(
  sim: UpworkSimulator,
  added: AddedAccount,
  { expected, sql }: WorkSource,
  rowsOf: (sql: string) => Promise<readonly (Row & { readonly key: string })[]>,
): Promise<Comparison> {
  return compareRows(expected(sim, added), await rowsOf(sql));
}
