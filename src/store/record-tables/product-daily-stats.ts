// Daily figures of products in the table `product_daily_stats`.

import type { ProductDayRecord } from '../../core/records.ts';
import { day, decimal, instant, integer, json, text, type RecordTable } from './record-table.ts';

/** Both parts have no white space. */
function statKeyOf({ productKey, statDate }: ProductDayRecord): string {
  return `${productKey}:${statDate}`;
}

export const productDailyStatsTable: RecordTable<ProductDayRecord> = {
  name: 'product_daily_stats',
  keyColumns: ['stat_key'],
  keyOf: statKeyOf,
  columns: [
    text('stat_key', (day) => statKeyOf(day)),
    text('product_key', (day) => day.productKey),
    day('stat_date', (day) => day.statDate),
    integer('views', (day) => day.views),
    integer('cart_adds', (day) => day.cartAdds),
    integer('orders', (day) => day.orders),
    decimal('orders_amount', (day) => day.ordersAmount),
    integer('buyouts', (day) => day.buyouts),
    decimal('buyouts_amount', (day) => day.buyoutsAmount),
    integer('cancels', (day) => day.cancels),
    integer('returns', (day) => day.returns),
    text('currency', (day) => day.currency),
    json('details', (day) => day.details),
    instant('source_updated_at', (day) => day.sourceUpdatedAt),
  ],
  dirtyInstants: ['stat_date'],
};
