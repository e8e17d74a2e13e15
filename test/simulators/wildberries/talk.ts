// What buyers say and claim, and how cards do: feedbacks, questions, chats, claims, goods on their way back, the funnel; and the
// accounts.

import { Answer, at, byText, number, plain, refuse, type Asked, type Method } from './resource.ts';
import type { Resource, Row } from './state.ts';

/** A list by date; more rows than the method has a place for cannot be asked. */
function answered(
  resource: Resource,
  member: string,
  { maxTake, maxSum }: { readonly maxTake: number; readonly maxSum: number },
) {
  return ({ request: { query }, seller }: Asked): unknown => {
    const [take, skip] = [number(query.get('take'), 0), number(query.get('skip'), 0)];
    const wanted = query.get('isAnswered');
    if (wanted === null || take < 1 || take > maxTake || take + skip > maxSum)
      return refuse(400, { data: null, error: true, errorText: 'isAnswered, take or skip', additionalErrors: null });
    const from = number(query.get('dateFrom'), 0) * 1_000;
    const to = number(query.get('dateTo'), Number.MAX_SAFE_INTEGER / 1_000) * 1_000 + 999;
    const found = seller.rows[resource]
      .filter((row) => (row['answer'] != null) === (wanted === 'true'))
      .filter((row) => at(row, 'createdDate') >= from && at(row, 'createdDate') <= to)
      .sort(byText('createdDate'));
    if (query.get('order') !== 'dateAsc') found.reverse();
    return documentOf(member, found.slice(skip, skip + take));
  };
}

const documentOf = (member: string, rows: readonly Row[]): Row => ({
  data: { countUnanswered: 0, countArchive: 0, [member]: rows },
  error: false,
  errorText: '',
  additionalErrors: null,
});

function archive({ request: { query }, seller }: Asked): unknown {
  const skip = number(query.get('skip'), 0);
  return documentOf(
    'feedbacks',
    seller.rows.archive.toSorted(byText('createdDate')).slice(skip, skip + number(query.get('take'), 0)),
  );
}

/** Events of one answer. */
const EVENTS = 3;

function events({ request: { query }, seller }: Asked): unknown {
  const from = number(query.get('next'), 0);
  const found = seller.rows.events.filter((row) => (row['addTimestamp'] as number) > from);
  const page = found.toSorted((a, b) => (a['addTimestamp'] as number) - (b['addTimestamp'] as number)).slice(0, EVENTS);
  const next = (page.at(-1)?.['addTimestamp'] as number | undefined) ?? from;
  // Events of one instant are never parted.
  const tied = found.filter((row) => row['addTimestamp'] === next && !page.includes(row));
  const all = [...page, ...tied];
  return { result: { next, totalEvents: all.length, events: all }, errors: null };
}

const SHOWN_MS = 14 * 86_400_000;

function claims({ request: { query }, seller, now, traps }: Asked): unknown {
  if (traps.errorsInside > 0) {
    traps.errorsInside -= 1;
    return { claims: null, errors: ['internal'] };
  }
  const isArchive = query.get('is_archive') === 'true';
  const found = seller.rows.claims.filter(
    (row) => row['isArchived'] === isArchive && at(row, 'dt') + 3 * 3_600_000 > now.getTime() - SHOWN_MS,
  );
  const offset = number(query.get('offset'), 0);
  const page = found.slice(offset, offset + Math.min(200, number(query.get('limit'), 50)));
  return { claims: page.map(({ isArchived: _archived, ...row }) => row), total: found.length };
}

function goodsReturns({ request: { query }, seller }: Asked): unknown {
  const [from, to] = [query.get('dateFrom') ?? '', query.get('dateTo') ?? ''];
  if (Date.parse(to) - Date.parse(from) > 31 * 86_400_000)
    return refuse(400, { title: 'bad request', detail: 'period' });
  const found = seller.rows.goodsReturns.filter(
    (row) => String(row['orderDt']) >= from && String(row['orderDt']) <= to,
  );
  return { report: found };
}

function funnel({ body, seller }: Asked): unknown {
  const { start } = body['selectedPeriod'] as { start: string; end: string };
  const [limit, offset] = [(body['limit'] ?? 50) as number, (body['offset'] ?? 0) as number];
  const found = seller.rows.funnel.filter((row) => row['day'] === start);
  const page = found.slice(offset, offset + limit).map(({ day: _day, ...row }) => row);
  return { data: { currency: 'RUB', products: page } };
}

function reports({ body, seller }: Asked): unknown {
  const { dateFrom = '', dateTo = '', offset = 0, limit = 1_000 } = body as Record<string, never>;
  const found = seller.rows.reports.filter(
    (row) => String(row['dateTo']) >= dateFrom && String(row['dateFrom']) <= dateTo,
  );
  const page = found.slice(offset, offset + limit);
  return page.length === 0 ? new Answer({ status: 204 }) : page;
}

function lines({ body, seller, request }: Asked): unknown {
  const after = BigInt(/"rrdId":(\d+)/.exec(request.body)?.[1] ?? '0');
  const found = seller.rows.lines
    .filter((row) => plain(row['reportId']) === request.params['reportId'] && BigInt(plain(row['rrdId'])) > after)
    .sort((a, b) => (BigInt(plain(a['rrdId'])) < BigInt(plain(b['rrdId'])) ? -1 : 1))
    .slice(0, (body['limit'] ?? 100_000) as number);
  return found.length === 0 ? new Answer({ status: 204 }) : found;
}

const feedbacks = { call: 'GET', category: 'feedbacks', group: 'feedbacks' } as const;
const chat = { call: 'GET', category: 'chat', group: 'chat' } as const;
const common = { call: 'GET', category: null, group: 'common' } as const;

export const talkMethods: readonly Method[] = [
  {
    ...common,
    path: '/common-api/api/v1/seller-info',
    answer: ({ seller: { sid, name } }) => ({ sid, name, tin: '7700000000', tradeMark: '' }),
  },
  {
    ...common,
    serviceOnly: true,
    path: '/common-api/api/common/v1/subscriptions',
    answer: () => ({
      state: 'active',
      activationSource: 'jam',
      level: 'standard',
      since: '2026-01-01T00:00:00Z',
      till: '2027-01-01T00:00:00Z',
    }),
  },
  {
    ...feedbacks,
    serviceOnly: true,
    path: '/feedbacks-api/api/common/v1/rating',
    answer: () => ({ feedbackCount: 12, valuation: 4.8 }),
  },
  {
    ...feedbacks,
    path: '/feedbacks-api/api/v1/feedbacks',
    answer: answered('feedbacks', 'feedbacks', { maxTake: 5_000, maxSum: 204_990 }),
  },
  { ...feedbacks, path: '/feedbacks-api/api/v1/feedbacks/archive', answer: archive },
  {
    ...feedbacks,
    path: '/feedbacks-api/api/v1/questions',
    answer: answered('questions', 'questions', { maxTake: 10_000, maxSum: 10_000 }),
  },
  {
    ...chat,
    path: '/buyer-chat-api/api/v1/seller/chats',
    answer: ({ seller }) => ({ result: seller.rows.chats, errors: null }),
  },
  { ...chat, path: '/buyer-chat-api/api/v1/seller/events', answer: events },
  { call: 'GET', path: '/returns-api/api/v1/claims', category: 'returns', group: 'claims', answer: claims },
  {
    call: 'GET',
    path: '/seller-analytics-api/api/v1/analytics/goods-return',
    category: 'analytics',
    group: 'goods_return',
    answer: goodsReturns,
  },
  {
    call: 'POST',
    path: '/seller-analytics-api/api/analytics/v3/sales-funnel/products',
    category: 'analytics',
    group: 'analytics',
    answer: funnel,
  },
  {
    call: 'POST',
    path: '/finance-api/api/finance/v1/sales-reports/list',
    category: null,
    group: 'finance_list',
    noBase: true,
    answer: reports,
  },
  {
    call: 'POST',
    path: '/finance-api/api/finance/v1/sales-reports/detailed/{reportId}',
    category: null,
    group: 'finance_detailed',
    noBase: true,
    answer: lines,
  },
];
