// Lists of postings: the seller's own (version 4) and the platform's (version 3). `since` and `to` go by the day of the order.

import { CODE, invalidArgument, OzonFailure } from './failure.ts';
import { pageOf, type OzonPage } from './paging.ts';
import { Postings, type Posting, type PostingLine } from './posting-model.ts';
import {
  dateIn,
  defineResource,
  decimalNumber,
  idNumber,
  limitIn,
  objectIn,
  textIn,
  textsIn,
  type Call,
} from './resource.ts';

const YEAR_MS = 366 * 86_400_000;
const MAX_LIMIT = 100;

export const postings = defineResource<Postings>({
  name: 'postings',
  create: (_, now) => new Postings(now),
  methods: {
    '/v4/posting/fbs/list': (state, call) => {
      const filter = objectIn(call.body, 'filter');
      if (dateIn(filter, 'since') === undefined || dateIn(filter, 'to') === undefined)
        throw invalidArgument('invalid Request.Filter: since and to are required');
      return listOf(
        call,
        selected(state, call, ({ scheme }) => scheme !== 'fbo'),
        fbsJson,
      );
    },
    '/v3/posting/fbo/list': (state, call) =>
      listOf(
        call,
        selected(state, call, ({ scheme }) => scheme === 'fbo'),
        fboJson,
      ),
  },
});

function selected({ all }: Postings, { body }: Call, isOfScheme: (posting: Posting) => boolean): readonly Posting[] {
  const filter = objectIn(body, 'filter');
  const [since, to] = rangeIn(filter, 'since', 'to');
  const changed = objectIn(filter, 'last_changed_status_date');
  const [changedFrom, changedTo] = rangeIn(changed, 'from', 'to');
  const statuses = textsIn(filter, 'statuses');
  const numbers = textsIn(filter, 'posting_numbers');
  const isDescending = textIn(body, 'sort_dir') === 'DESC';
  return [...all.values()]
    .filter(isOfScheme)
    .filter(({ orderedAt }) => isWithin(orderedAt, since, to))
    .filter(({ changedAt }) => isWithin(changedAt, changedFrom, changedTo))
    .filter(({ status }) => statuses?.includes(status) ?? true)
    .filter(({ number }) => numbers?.includes(number) ?? true)
    .sort((a, b) => (a.orderedAt.getTime() - b.orderedAt.getTime()) * (isDescending ? -1 : 1));
}

function rangeIn(
  body: Readonly<Record<string, unknown>>,
  first: string,
  last: string,
): [Date | undefined, Date | undefined] {
  const from = dateIn(body, first);
  const to = dateIn(body, last);
  if (from !== undefined && to !== undefined && to.getTime() - from.getTime() > YEAR_MS)
    throw new OzonFailure(400, CODE.invalidArgument, 'PERIOD_IS_TOO_LONG');
  return [from, to];
}

function isWithin(at: Date, from: Date | undefined, to: Date | undefined): boolean {
  return (from === undefined || at >= from) && (to === undefined || at <= to);
}

function listOf(call: Call, all: readonly Posting[], json: (posting: Posting, call: Call) => object): object {
  const { body, traps } = call;
  const limit = limitIn(body, { max: MAX_LIMIT });
  const page: OzonPage<Posting> = pageOf(all, { cursor: textIn(body, 'cursor') ?? '', limit }, traps);
  const rows = page.rows.map((posting) => json(posting, call));
  return {
    postings: traps.nullObjects && rows.length === 0 ? null : rows,
    cursor: page.cursor,
    has_next: page.hasNext,
  };
}

const cancellationOf = ({ status, cancelReason }: Posting): object => ({
  affect_cancellation_rating: false,
  cancel_reason: cancelReason,
  cancel_reason_id: status === 'cancelled' ? 402 : 0,
  cancellation_initiator: status === 'cancelled' ? 'Client' : '',
  cancellation_type: status === 'cancelled' ? 'client' : '',
  cancelled_after_ship: false,
});

function shared(posting: Posting, { body, traps }: Call): object {
  const wanted = objectIn(body, 'with');
  return {
    cancellation: traps.nullObjects ? null : cancellationOf(posting),
    financial_data:
      wanted['financial_data'] === true && !traps.nullObjects
        ? {
            cluster_from: 'Moscow',
            cluster_to: 'Kazan',
            products: posting.lines.map((line) => paidJson(line, traps.oldMoney)),
          }
        : null,
    in_process_at: posting.orderedAt.toISOString(),
    legal_info:
      wanted['legal_info'] === true ? { company_name: 'Buyer LLC', inn: '7700000001', kpp: '770001001' } : null,
    order_id: idNumber(posting.orderId),
    order_number: posting.orderNumber,
    posting_number: posting.number,
    products: posting.lines.map((line) => lineJson(line, traps.oldMoney)),
    status: posting.status,
    substatus: posting.substatus,
  };
}

function fbsJson(posting: Posting, call: Call): object {
  const wanted = objectIn(call.body, 'with');
  return {
    ...shared(posting, call),
    addressee: { name: 'Vera Example' },
    analytics_data:
      wanted['analytics_data'] === true && !call.traps.nullObjects
        ? {
            city: 'Innopolis',
            delivery_type: 'PVZ',
            is_legal: false,
            is_premium: true,
            payment_type_group_name: 'card',
            region: 'TATARSTAN',
            tpl_provider: 'Ozon',
            warehouse: 'Own warehouse',
            warehouse_id: idNumber('22655170176000'),
          }
        : null,
    customer: {
      address: { address_tail: 'Street 1, 2', city: 'Innopolis', comment: 'ring twice' },
      customer_email: 'vera@example.org',
      customer_id: 17,
      name: 'Vera Example',
      phone: '+70000000000',
    },
    delivering_date: null,
    delivery_method: {
      id: idNumber('22655170176001'),
      name: 'Ozon logistics',
      tpl_provider: 'Ozon',
      tpl_provider_id: 24,
      warehouse: 'Own warehouse',
      warehouse_id: idNumber('22655170176000'),
    },
    delivery_schema: posting.scheme,
    is_express: false,
    multi_box_qty: 0,
    parent_posting_number: posting.parentNumber,
    shipment_date: new Date(posting.orderedAt.getTime() + 86_400_000).toISOString(),
    tpl_integration_type: posting.scheme === 'rfbs' ? 'non_integrated' : 'ozon',
    tracking_number: posting.trackingNumber,
  };
}

function fboJson(posting: Posting, call: Call): object {
  const wanted = objectIn(call.body, 'with');
  return {
    ...shared(posting, call),
    additional_data: [],
    analytics_data:
      wanted['analytics_data'] === true && !call.traps.nullObjects
        ? {
            city: 'Innopolis',
            delivery_type: 'PVZ',
            is_legal: false,
            is_premium: false,
            warehouse_id: 18,
            warehouse_name: 'KHORUGVINO',
          }
        : null,
    cancel_reason_id: posting.status === 'cancelled' ? 402 : 0,
    created_at: posting.orderedAt.toISOString(),
  };
}

function lineJson({ sku, offerId, name, quantity, price, currency }: PostingLine, isOld: boolean): object {
  const common = { name, offer_id: offerId, quantity, sku: idNumber(sku) };
  return isOld ? { ...common, price, currency_code: currency } : { ...common, price: { amount: price, currency } };
}

/** The product id is the sku, whatever its name says. */
function paidJson({ sku, quantity, price, customerPrice, currency }: PostingLine, isOld: boolean): object {
  const common = {
    actions: [],
    old_price: decimalNumber(price),
    payout: 0,
    price: decimalNumber(price),
    product_id: idNumber(sku),
    quantity,
    total_discount_percent: 0,
    total_discount_value: 0,
  };
  return isOld
    ? {
        ...common,
        commission_amount: 0,
        commission_percent: 15,
        commissions_currency_code: currency,
        currency_code: currency,
        customer_currency_code: currency,
        customer_price: customerPrice === null ? null : decimalNumber(customerPrice),
      }
    : {
        ...common,
        commission: { amount: 0, currency, percent: 15 },
        customer_price: customerPrice === null ? null : { amount: customerPrice, currency },
      };
}
