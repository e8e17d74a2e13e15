// What a shop offers, in the table `products`.

import type { ProductRecord } from '../../core/records.ts';
import { instant, json, text, textList, type RecordTable } from './record-table.ts';

export const productsTable: RecordTable<ProductRecord> = {
  name: 'products',
  keyColumns: ['product_key'],
  keyOf: (product) => product.productKey,
  columns: [
    text('product_key', (product) => product.productKey),
    text('offer_code', (product) => product.offerCode),
    text('title', (product) => product.title),
    text('description', (product) => product.description),
    text('brand', (product) => product.brand),
    text('category_id', (product) => product.categoryId),
    text('category', (product) => product.category),
    textList('barcodes', (product) => product.barcodes),
    textList('images', (product) => product.images),
    json('variants', (product) => product.variants),
    json('attributes', (product) => product.attributes),
    text('status', (product) => product.status),
    text('platform_status', (product) => product.platformStatus),
    instant('trashed_at', (product) => product.trashedAt),
    instant('listed_at', (product) => product.listedAt),
    json('details', (product) => product.details),
    instant('source_updated_at', (product) => product.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
