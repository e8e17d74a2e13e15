// A shop on a marketplace: what it offers, what buyers say, and the shop itself. One shape for every platform, its
// specifics in `details`. Ids are text, also where the platform counts: they may pass 2^53.

import type { Details, SourceRecord } from './source-record.ts';

/** A card of the catalogue (`products`). */
export interface ProductRecord extends SourceRecord {
  /** Wildberries `nmID`, Ozon `product_id`. */
  readonly productKey: string;
  /** The seller's own article. */
  readonly offerCode: string | null;
  readonly title: string | null;
  readonly description: string | null;
  readonly brand: string | null;
  readonly categoryId: string | null;
  readonly category: string | null;
  readonly barcodes: readonly string[];
  readonly images: readonly string[];
  /** Sizes or schemes under which it is sold, with the ids that stocks and orders name. */
  readonly variants: readonly Details[];
  readonly attributes: readonly Details[];
  readonly status: 'active' | 'hidden' | 'archived' | 'trashed';
  /** The platform's own word, unchanged; null where it has none. */
  readonly platformStatus: string | null;
  readonly trashedAt: Date | null;
  readonly listedAt: Date | null;
  readonly details: Details;
}

/** What a product, or one size of it, costs (`prices`). */
export interface PriceRecord extends SourceRecord {
  /** Product, and size where prices are set by size. */
  readonly priceKey: string;
  readonly productKey: string;
  readonly offerCode: string | null;
  readonly variantKey: string | null;
  /** Before any discount. */
  readonly price: string | null;
  /** After the seller's discount. */
  readonly discountedPrice: string | null;
  /** For members of the platform's club. */
  readonly clubPrice: string | null;
  readonly minPrice: string | null;
  readonly currency: string;
  readonly discountPercent: string | null;
  readonly details: Details;
}

/** How much of a product lies in one place (`stocks`). */
export interface StockRecord extends SourceRecord {
  /** Product, size or sku, and place. */
  readonly stockKey: string;
  readonly productKey: string | null;
  readonly offerCode: string | null;
  readonly variantKey: string | null;
  /** Whose warehouse. */
  readonly fulfilment: 'platform' | 'seller';
  readonly warehouseKey: string | null;
  readonly warehouseName: string | null;
  readonly quantity: number;
  /** Part of `quantity` that is promised to buyers. */
  readonly reserved: number | null;
  readonly inWayToClient: number | null;
  readonly inWayFromClient: number | null;
  readonly details: Details;
}

/** A buyer's claim, or goods on their way back (`returns`). */
export interface ReturnRecord extends SourceRecord {
  readonly returnKey: string;
  readonly kind: 'claim' | 'return';
  readonly orderKey: string | null;
  readonly productKey: string | null;
  readonly offerCode: string | null;
  readonly status: 'open' | 'approved' | 'rejected' | 'in_transit' | 'received' | 'closed' | null;
  readonly platformStatus: string | null;
  readonly reason: string | null;
  readonly comment: string | null;
  readonly quantity: number | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly openedAt: Date | null;
  readonly statusChangedAt: Date | null;
  readonly details: Details;
}

interface Answered {
  readonly text: string | null;
  readonly at: Date | null;
  readonly state: string | null;
}

/** What a buyer thinks of a product (`reviews`). */
export interface ReviewRecord extends SourceRecord {
  readonly reviewKey: string;
  readonly productKey: string | null;
  readonly offerCode: string | null;
  /** 1 to 5. */
  readonly rating: number | null;
  readonly text: string | null;
  readonly pros: string | null;
  readonly cons: string | null;
  readonly authorName: string | null;
  readonly status: 'new' | 'viewed' | 'answered' | 'archived';
  readonly platformStatus: string | null;
  readonly answer: Answered | null;
  readonly publishedAt: Date;
  readonly details: Details;
}

/** What a buyer asks about a product (`questions`). */
export interface QuestionRecord extends SourceRecord {
  readonly questionKey: string;
  readonly productKey: string | null;
  readonly offerCode: string | null;
  readonly text: string | null;
  readonly authorName: string | null;
  readonly status: 'new' | 'viewed' | 'answered' | 'archived';
  readonly platformStatus: string | null;
  readonly answer: Answered | null;
  readonly publishedAt: Date;
  readonly details: Details;
}

/** Goods sent to the platform's warehouse (`supplies`). */
export interface SupplyRecord extends SourceRecord {
  readonly supplyKey: string;
  readonly status: 'draft' | 'planned' | 'accepting' | 'accepted' | 'closed' | 'cancelled' | null;
  readonly platformStatus: string | null;
  readonly warehouseKey: string | null;
  readonly warehouseName: string | null;
  readonly quantity: number | null;
  readonly acceptedQuantity: number | null;
  /** Lines by product, as the platform names them. */
  readonly goods: readonly Details[];
  readonly plannedAt: Date | null;
  readonly factAt: Date | null;
  readonly openedAt: Date | null;
  readonly details: Details;
}

/** How one product did on one day of the platform, which is Moscow's (`product_daily_stats`). */
export interface ProductDayRecord extends SourceRecord {
  /** Product or sku: what the platform counts by. */
  readonly productKey: string;
  readonly statDate: string;
  readonly views: number | null;
  readonly cartAdds: number | null;
  readonly orders: number | null;
  readonly ordersAmount: string | null;
  readonly buyouts: number | null;
  readonly buyoutsAmount: string | null;
  readonly cancels: number | null;
  readonly returns: number | null;
  readonly currency: string | null;
  readonly details: Details;
}

/** The shop itself (`seller_accounts`). */
export interface SellerAccountRecord extends SourceRecord {
  /** Wildberries `sid`, Ozon `Client-Id`. */
  readonly accountKey: string;
  readonly name: string | null;
  readonly legalName: string | null;
  readonly taxId: string | null;
  readonly country: string | null;
  readonly currency: string | null;
  readonly subscription: string | null;
  readonly rating: string | null;
  /** All ratings as the platform gives them. */
  readonly ratings: readonly Details[];
  /** What the credential may do, in the platform's words. */
  readonly permissions: readonly string[];
  readonly credentialExpiresAt: Date | null;
  readonly details: Details;
}
