// Returns, chats, reviews and questions.

import { at, invalid, pageOf, plain, type Asked, type Method } from './method.ts';
import type { Resource, Row } from './state.ts';

const big = (value: unknown): bigint => BigInt(plain(value).replaceAll('"', ''));

function returns({ body, seller, text, traps }: Asked): unknown {
  const { visual_status_change_moment: moment } = (body['filter'] ?? {}) as {
    visual_status_change_moment?: { time_from: string; time_to: string };
  };
  const limit = (body['limit'] ?? 0) as number;
  if (limit < 1 || limit > 500 || moment === undefined) return invalid('filter or limit');
  const after = BigInt(/"last_id":(\d+)/.exec(text)?.[1] ?? '0');
  const found = seller.rows.returns
    .filter((row) => inside(Date.parse((row['visual'] as { change_moment: string }).change_moment), moment))
    .filter((row) => traps.cursorRepeats || big(row['id']) > after)
    .toSorted((a, b) => (big(a['id']) < big(b['id']) ? -1 : 1));
  return { returns: found.slice(0, limit), has_next: found.length > limit || traps.hasNextForever };
}

function inside(
  moment: number,
  { time_from: from, time_to: to }: { readonly time_from: string; readonly time_to: string },
): boolean {
  return moment >= Date.parse(from) && moment <= Date.parse(to);
}

function chats({ body, seller, traps }: Asked): unknown {
  const { rows, next, hasNext } = pageOf(seller.rows.chats, body['cursor'], (body['limit'] ?? 30) as number, traps);
  const shown = traps.smallLetters ? rows.map(small) : rows;
  return { chats: shown, total_unread_count: 0, cursor: next, has_next: hasNext };
}

function small(row: Row): Row {
  const chat = row['chat'] as Row;
  return { ...row, chat: { ...chat, chat_type: String(chat['chat_type']).toLowerCase() } };
}

/** Forward begins at a message and has it too; Backward begins at the newest. */
function history({ body, seller, text, traps }: Asked): unknown {
  const limit = Math.min((body['limit'] ?? 50) as number, 4);
  const isForward = body['direction'] === 'Forward';
  const from = /"from_message_id":"?(\d+)/.exec(text)?.[1];
  if (isForward && from === undefined) return invalid('from_message_id: is required');
  const all = seller.rows.messages
    .filter((row) => row['chatId'] === body['chat_id'])
    .toSorted((a, b) => (big(a['message_id']) < big(b['message_id']) ? -1 : 1));
  const ordered = isForward ? all : all.toReversed();
  const found = ordered.filter(
    (row) =>
      from === undefined ||
      (isForward ? big(row['message_id']) >= BigInt(from) : big(row['message_id']) <= BigInt(from)),
  );
  const messages = found.slice(0, limit).map(({ chatId: _chat, ...row }) => row);
  return { messages, has_next: found.length > limit || traps.hasNextForever };
}

function dated(resource: Resource, member: string, from: (body: Row) => string | undefined) {
  return ({ body, seller, traps }: Asked): unknown => {
    const limit = (body['limit'] ?? 0) as number;
    if (limit < 20 || limit > 100) return invalid('limit: value must be inside range [20, 100]');
    const since = from(body);
    const found = seller.rows[resource]
      .filter((row) => since === undefined || at(row, 'published_at') >= Date.parse(since))
      .toSorted((a, b) => at(a, 'published_at') - at(b, 'published_at'));
    const { rows, next, hasNext } = pageOf(found, body['last_id'], limit, traps);
    const shown = traps.smallLetters
      ? rows.map((row) => ({ ...row, status: String(row['status']).toLowerCase() }))
      : rows;
    return { [member]: shown, last_id: next, has_next: hasNext };
  };
}

const filterOf = (body: Row, name: 'filter' | 'filters'): Record<string, string | undefined> =>
  (body[name] ?? {}) as Record<string, string | undefined>;

export const talkMethods: readonly Method[] = [
  { path: '/v1/returns/list', answer: returns },
  { path: '/v3/chat/list', answer: chats },
  { path: '/v3/chat/history', answer: history },
  {
    path: '/v2/review/list',
    plans: ['PREMIUM_PLUS', 'PREMIUM_PRO'],
    answer: dated('reviews', 'reviews', (body) => filterOf(body, 'filters')['published_from']),
  },
  {
    path: '/v1/question/list',
    plans: ['PREMIUM_PLUS', 'PREMIUM_PRO'],
    answer: dated('questions', 'questions', (body) => filterOf(body, 'filter')['date_from']),
  },
];
