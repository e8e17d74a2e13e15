// What buyers say to a shop on the simulated Ozon, and what they send back. Rows are kept as the platform sends them.

import { CODE, invalidArgument, OzonFailure } from './failure.ts';
import { pageOf } from './paging.ts';
import { dateIn, defineResource, idNumber, limitIn, objectIn, textIn, type Call } from './resource.ts';
import type { Subscription } from './sellers.ts';

export type Row = Record<string, unknown>;

/** An id that passes 2^53 is text here, and a number on its way out. */
export class Talk {
  readonly returns: (Row & { id: string; changedAt: Date })[] = [];
  readonly chats: (Row & { id: string; type: string; createdAt: Date })[] = [];
  readonly messages: (Row & { id: string; chatId: string; sender: string; createdAt: Date })[] = [];
  readonly reviews: (Row & { published_at: string })[] = [];
  readonly questions: (Row & { published_at: string })[] = [];
}

const PAID: ReadonlySet<Subscription> = new Set(['PREMIUM_PLUS', 'PREMIUM_PRO']);

function requirePlan({ seller }: Call): void {
  if (PAID.has(seller.subscription)) return;
  throw new OzonFailure(403, CODE.permissionDenied, 'Method is not available with existing subscription');
}

/** An id of a request: a number, or the text of one that a double cannot hold. */
const digitsOf = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'string' ? `${value}` : '0';

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (BigInt(a.id) < BigInt(b.id) ? -1 : 1);

export const talk = defineResource<Talk>({
  name: 'talk',
  create: () => new Talk(),
  methods: {
    '/v1/returns/list': ({ returns }, { body, traps }) => {
      const moment = objectIn(objectIn(body, 'filter'), 'visual_status_change_moment');
      const [from, to] = [dateIn(moment, 'time_from'), dateIn(moment, 'time_to')];
      if (from === undefined || to === undefined)
        throw invalidArgument('invalid Request.Filter: one range is required');
      const limit = limitIn(body, { max: 500 });
      const after = BigInt(digitsOf(body['last_id'] ?? 0));
      const found = returns
        .filter(({ changedAt }) => changedAt >= from && changedAt <= to)
        .filter(({ id }) => traps.cursorRepeats || BigInt(id) > after)
        .toSorted(byId);
      const rows = found.slice(0, limit).map(({ id, changedAt, status, ...row }) => ({
        ...row,
        id: idNumber(id),
        visual: { status, change_moment: changedAt.toISOString() },
      }));
      return { returns: rows, has_next: found.length > limit || traps.hasNextOnEmpty || traps.cursorRepeats };
    },
    '/v3/chat/list': ({ chats, messages }, { body, traps }) => {
      const page = pageOf(chats, { cursor: textIn(body, 'cursor') ?? '', limit: limitIn(body, { max: 100 }) }, traps);
      const rows = page.rows.map(({ id, type, createdAt }) => {
        const last = messages
          .filter(({ chatId }) => chatId === id)
          .toSorted(byId)
          .at(-1);
        const chat = { chat_id: id, chat_status: 'OPENED', chat_type: type, created_at: createdAt.toISOString() };
        return { chat, unread_count: 0, first_unread_message_id: 0, last_message_id: idNumber(last?.id ?? '0') };
      });
      return { chats: rows, total_unread_count: 0, cursor: page.cursor, has_next: page.hasNext };
    },
    '/v3/chat/history': (state, call) => historyOf(state, call),
    '/v2/review/list': ({ reviews }, call) => {
      requirePlan(call);
      return { ...dated(reviews, call, dateIn(objectIn(call.body, 'filters'), 'published_from'), 'reviews') };
    },
    '/v1/question/list': ({ questions }, call) => {
      requirePlan(call);
      return { ...dated(questions, call, dateIn(objectIn(call.body, 'filter'), 'date_from'), 'questions') };
    },
  },
});

/** Small, so that a talk has more pages than one. */
const HISTORY_PAGE = 4;

/** Forward begins at a message and has it too; Backward begins there, or at the newest. */
function historyOf({ messages }: Talk, { body, traps }: Call): object {
  const limit = Math.min(HISTORY_PAGE, limitIn(body, { max: 1_000 }));
  const isForward = textIn(body, 'direction') === 'Forward';
  const from = body['from_message_id'];
  if (isForward && from === undefined) throw invalidArgument('invalid Request.FromMessageId: value is required');
  const all = messages.filter(({ chatId }) => chatId === body['chat_id']).toSorted(byId);
  const start = from === undefined ? undefined : BigInt(digitsOf(from));
  const found = (isForward ? all : all.toReversed()).filter(
    ({ id }) => start === undefined || (isForward ? BigInt(id) >= start : BigInt(id) <= start),
  );
  const rows = found.slice(0, limit).map(({ id, chatId: _chat, sender, createdAt, ...row }) => ({
    ...row,
    message_id: idNumber(id),
    created_at: createdAt.toISOString(),
    user: { id: '88', type: sender },
  }));
  return { messages: rows, has_next: found.length > limit || traps.hasNextOnEmpty };
}

function dated(
  rows: readonly (Row & { published_at: string })[],
  { body, traps }: Call,
  from: Date | undefined,
  member: string,
): Row {
  const found = rows
    .filter(({ published_at: at }) => from === undefined || new Date(at) >= from)
    .toSorted((a, b) => (a.published_at < b.published_at ? -1 : 1));
  const page = pageOf(
    found,
    { cursor: textIn(body, 'last_id') ?? '', limit: limitIn(body, { min: 20, max: 100 }) },
    traps,
  );
  return { [member]: page.rows, last_id: page.cursor, has_next: page.hasNext };
}
