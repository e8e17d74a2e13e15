// Cards of the simulated Ozon: the list, what is said of many at once, and their attributes.

import { invalidArgument } from './failure.ts';
import { Goods, type Good } from './goods.ts';
import { pageOf } from './paging.ts';
import { defineResource, idNumber, limitIn, objectIn, textIn, textsIn, type Call } from './resource.ts';

const MAX_LIMIT = 1_000;

export const catalogue = defineResource<Goods>({
  name: 'catalogue',
  create: (_, now) => new Goods(now),
  methods: {
    '/v3/product/list': (goods, call) => {
      const all = selectedGoods(goods, call);
      const page = goodsPage(all, call, 'last_id');
      return {
        result: {
          items: page.rows.map(({ productId, offerId, isArchived, fbo, fbs }) => ({
            archived: isArchived,
            has_fbo_stocks: fbo.size > 0,
            has_fbs_stocks: fbs.size > 0,
            is_discounted: false,
            offer_id: offerId,
            product_id: idNumber(productId),
            quants: [],
          })),
          last_id: page.cursor,
          total: all.length,
        },
      };
    },
    '/v3/product/info/list': ({ all }, { body, traps }) => {
      const ids = textsIn(body, 'product_id') ?? [];
      if (ids.length === 0 || ids.length > MAX_LIMIT)
        throw invalidArgument('use either offer_id or product_id or sku, at most 1000');
      const items = ids.flatMap((id) => all.get(id) ?? []).map((good) => infoJson(good, traps.nullObjects));
      return { items };
    },
    '/v4/product/info/attributes': (goods, call) => {
      const all = selectedGoods(goods, call);
      const page = goodsPage(all, call, 'last_id');
      return { result: page.rows.map(attributesJson), last_id: page.cursor, total: all.length };
    },
  },
});

/** Goods that the request's `filter` asks for. */
export function selectedGoods({ all }: Goods, { body, traps }: Call): readonly Good[] {
  const filter = objectIn(body, 'filter');
  const wanted = textsIn(filter, 'product_id');
  const ids = wanted === undefined ? undefined : new Set(wanted);
  const visibility = textIn(filter, 'visibility') ?? 'ALL';
  return [...all.values()].filter(({ productId, isArchived }) => {
    if (ids !== undefined && !ids.has(productId)) return false;
    return visibility === 'ARCHIVED' ? isArchived : !(isArchived && traps.allLeavesOutArchived);
  });
}

/** The page of a list of goods: of many thousands there is always a next one, of the last none. */
export function goodsPage(
  all: readonly Good[],
  { body, traps }: Call,
  cursorName: 'cursor' | 'last_id',
): { readonly rows: readonly Good[]; readonly cursor: string } {
  return pageOf(all, { cursor: textIn(body, cursorName) ?? '', limit: limitIn(body, { max: MAX_LIMIT }) }, traps);
}

function infoJson(good: Good, isSparse: boolean): object {
  return {
    availabilities: [],
    barcodes: [`46${good.productId.slice(-11)}`],
    commissions: [],
    created_at: good.createdAt.toISOString(),
    currency_code: good.currency,
    description_category_id: 17_028_922,
    errors: [],
    id: idNumber(good.productId),
    images: [`https://cdn.example.org/${good.offerId}-2.jpg`],
    is_archived: good.isArchived,
    is_autoarchived: false,
    is_discounted: false,
    is_kgt: false,
    min_price: '',
    model_info: isSparse ? null : { count: 1, model_id: 55 },
    name: good.name,
    offer_id: good.offerId,
    old_price: good.oldPrice,
    price: good.price,
    primary_image: [`https://cdn.example.org/${good.offerId}-1.jpg`],
    sku: idNumber(good.sku),
    sources: isSparse ? null : [{ sku: idNumber(good.sku), source: 'sds', shipment_type: 'SHIPMENT_TYPE_GENERAL' }],
    statuses: isSparse
      ? null
      : {
          is_created: true,
          moderate_status: 'approved',
          status: 'price_sent',
          status_failed: '',
          status_name: 'On sale',
          validation_status: 'success',
        },
    type_id: 94_765,
    updated_at: good.updatedAt.toISOString(),
    vat: '0.2',
    volume_weight: 0.1,
  };
}

function attributesJson(good: Good): object {
  return {
    attributes: [
      { id: 85, complex_id: 0, values: [{ dictionary_value_id: 971, value: good.brand }] },
      { id: 4191, complex_id: 0, values: [{ dictionary_value_id: 0, value: `About ${good.name}` }] },
    ],
    barcode: '',
    complex_attributes: [],
    depth: 100,
    description_category_id: 17_028_922,
    dimension_unit: 'mm',
    height: 20,
    id: idNumber(good.productId),
    name: good.name,
    offer_id: good.offerId,
    sku: good.sku,
    type_id: 94_765,
    weight: 250,
    weight_unit: 'g',
    width: 30,
  };
}
