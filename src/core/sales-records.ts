// What a shop on a marketplace sells: orders, sales, and the lines of its accounts. One shape for every platform, its
// specifics in `details`. Ids are text: they may pass 2^53. Amounts are signed as the seller sees them.

import type { Details, SourceRecord } from './source-record.ts';

export type OrderStatus = 'new' | 'processing' | 'delivering' | 'delivered' | 'cancelled' | 'returned';

/** One line of an order. */
export interface OrderItem {
  readonly productKey: string | null;
  readonly sku: string | null;
  readonly offerCode: string | null;
  readonly name: string | null;
  readonly quantity: number;
  /** What the seller asks for one piece. */
  readonly price: string | null;
  readonly priceCurrency: string | null;
  /** What the buyer paid for one piece. */
  readonly paidPrice: string | null;
  readonly paidCurrency: string | null;
  readonly details: Details;
}

/** An order or a part of one that is sent on its own, wholly told by one stream (`orders`). */
export interface OrderRecord extends SourceRecord {
  /** Ozon `posting_number`. */
  readonly orderKey: string;
  /** What the buyer ordered at once; several rows may share it. */
  readonly orderGroup: string | null;
  readonly parentKey: string | null;
  readonly scheme: 'fbo' | 'fbs' | 'rfbs' | null;
  readonly status: OrderStatus;
  readonly platformStatus: string;
  readonly platformSubstatus: string | null;
  readonly orderedAt: Date | null;
  readonly shipBy: Date | null;
  readonly deliveredAt: Date | null;
  readonly cancelledAt: Date | null;
  readonly cancelReason: string | null;
  /** All items at the seller's price, after his own discounts; null when they are in more than one currency. */
  readonly amount: string | null;
  readonly currency: string | null;
  /** What the buyer pays for all items; null while the platform does not say. */
  readonly paidAmount: string | null;
  readonly paidCurrency: string | null;
  readonly quantity: number | null;
  readonly items: readonly OrderItem[];
  readonly warehouseKey: string | null;
  readonly warehouseName: string | null;
  readonly region: string | null;
  readonly details: Details;
}

/** A Wildberries order as statistics tell it: preliminary figures, half an hour late (`orders`). */
export interface StatisticsOrderRecord extends SourceRecord {
  /** `srid`. */
  readonly orderKey: string;
  readonly orderGroup: string | null;
  readonly orderedAt: Date;
  readonly isCancelled: boolean;
  readonly cancelledAt: Date | null;
  readonly productKey: string | null;
  readonly offerCode: string | null;
  readonly barcode: string | null;
  readonly category: string | null;
  readonly brand: string | null;
  readonly size: string | null;
  readonly scheme: 'fbo' | 'fbs' | null;
  readonly warehouseName: string | null;
  readonly region: string | null;
  /** At the seller's price, after his own discounts; null while the platform has not filled it in. */
  readonly amount: string | null;
  /** What the buyer pays; null while the platform has not filled it in. */
  readonly paidAmount: string | null;
  readonly currency: string;
  readonly details: Details;
}

/** A Wildberries order as the feed tells it: its present status (`orders`). */
export interface FeedOrderRecord extends SourceRecord {
  readonly orderKey: string;
  readonly status: OrderStatus;
  readonly platformStatus: string;
  readonly cancelReason: string | null;
  readonly orderedAt: Date;
  readonly productKey: string | null;
  readonly variantKey: string | null;
  readonly scheme: 'fbo' | 'fbs' | null;
  readonly warehouseName: string | null;
  readonly region: string | null;
  /** At the seller's price, after his own discounts. */
  readonly amount: string | null;
  readonly currency: string;
}

/** A Wildberries order that the seller assembles (`orders`). */
export interface AssemblyOrderRecord extends SourceRecord {
  /** `rid`, the `srid` of other streams. */
  readonly orderKey: string;
  /** The assembly order's own id. */
  readonly assemblyId: string;
  readonly orderGroup: string | null;
  readonly status: OrderStatus | null;
  /** The seller's side of it, unchanged; null when the platform did not say. */
  readonly supplierStatus: string | null;
  /** The platform's side of it, unchanged. */
  readonly platformStatus: string | null;
  readonly orderedAt: Date;
  readonly productKey: string | null;
  readonly variantKey: string | null;
  readonly offerCode: string | null;
  readonly warehouseKey: string | null;
  readonly supplyKey: string | null;
  /** At the seller's price, in the currency of the sale. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly details: Details;
}

/** A sale or a return as statistics tell it; returns are negative (`sales`). */
export interface SaleRecord extends SourceRecord {
  /** `saleID`: an order may have a sale and a return, so its own key does not do. */
  readonly saleKey: string;
  readonly orderKey: string | null;
  readonly kind: 'sale' | 'return';
  readonly soldAt: Date;
  readonly productKey: string | null;
  readonly offerCode: string | null;
  readonly barcode: string | null;
  readonly warehouseName: string | null;
  readonly region: string | null;
  /** At the seller's price; null while the platform has not filled it in. */
  readonly amount: string | null;
  /** What the buyer paid or gets back; null while the platform has not filled it in. */
  readonly paidAmount: string | null;
  /** What the seller is to get. */
  readonly payout: string | null;
  readonly currency: string;
  readonly details: Details;
}

/** One line of the platform's accounts (`finance_entries`). */
export interface FinanceEntryRecord extends SourceRecord {
  /** Which accounts: `report` (Wildberries), `accrual` (Ozon). Has no white space. */
  readonly source: string;
  readonly entryId: string;
  readonly reportId: string | null;
  readonly kind: 'sale' | 'return' | 'service' | 'penalty' | 'compensation' | 'other';
  /** The platform's own word, unchanged. */
  readonly platformKind: string | null;
  /** The platform's day, in Moscow. */
  readonly entryDate: string;
  readonly occurredAt: Date | null;
  /** What it does to the seller's balance. */
  readonly amount: string;
  readonly currency: string;
  readonly quantity: number | null;
  readonly orderKey: string | null;
  readonly productKey: string | null;
  readonly offerCode: string | null;
  /** Parts of `amount` and figures beside it by the platform's names, as decimal text; not to be added to it. */
  readonly breakdown: Details;
}
