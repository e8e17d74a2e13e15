// Orders and sales as statistics send them. Dates are Moscow's without a zone, the year 1 is "never", and amounts may be 0 for
// up to a day until they are filled in: 0 is not believed.

import { z } from 'zod';
import type { SaleRecord, StatisticsOrderRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalText, idText, maybeText, moscowInstant } from '../../toolkit/scalars.ts';

/** Statistics name no currency: the platform's documents count them in roubles. */
const CURRENCY = 'RUB';
const SELLER_WAREHOUSE = 'Склад продавца';
const WB_WAREHOUSE = 'Склад WB';

const id = idText.nullish().transform((text) => (text === undefined || text === '0' ? null : text));
const filled = decimalText.nullish().transform((amount) => (amount == null || amount === '0' ? null : amount));
const required = moscowInstant.pipe(z.date('expected an instant'));

const common = {
  date: required,
  lastChangeDate: required,
  warehouseName: maybeText,
  warehouseType: maybeText,
  countryName: maybeText,
  oblastOkrugName: maybeText,
  regionName: maybeText,
  supplierArticle: maybeText,
  nmId: id,
  barcode: maybeText,
  category: maybeText,
  subject: maybeText,
  brand: maybeText,
  techSize: maybeText,
  incomeID: id,
  totalPrice: filled,
  discountPercent: decimalText.nullish(),
  spp: decimalText.nullish(),
  finishedPrice: filled,
  priceWithDisc: filled,
  gNumber: maybeText,
};

const orderSchema = z.object({
  ...common,
  srid: idText,
  isCancel: z.boolean(),
  cancelDate: moscowInstant,
});

const saleSchema = z.object({
  ...common,
  saleID: idText,
  srid: idText.nullish(),
  forPay: filled,
  paymentSaleAmount: filled,
});

type Common = z.output<z.ZodObject<typeof common>>;

const schemeOf = ({ warehouseType }: Pick<Common, 'warehouseType'>): 'fbo' | 'fbs' | null =>
  warehouseType === SELLER_WAREHOUSE ? 'fbs' : warehouseType === WB_WAREHOUSE ? 'fbo' : null;

const detailsOf = ({ totalPrice, discountPercent, spp, subject, incomeID, ...row }: Common) => ({
  totalPrice,
  discountPercent: discountPercent ?? null,
  spp: spp ?? null,
  subject,
  incomeId: incomeID,
  country: row.countryName,
  district: row.oblastOkrugName,
});

export function parseOrder(raw: unknown): StatisticsOrderRecord {
  const row = parseRecord(orderSchema, raw);
  return {
    orderKey: row.srid,
    orderGroup: row.gNumber,
    orderedAt: row.date,
    isCancelled: row.isCancel,
    cancelledAt: row.isCancel ? row.cancelDate : null,
    productKey: row.nmId,
    offerCode: row.supplierArticle,
    barcode: row.barcode,
    category: row.category,
    brand: row.brand,
    size: row.techSize,
    scheme: schemeOf(row),
    warehouseName: row.warehouseName,
    region: row.regionName,
    amount: row.priceWithDisc,
    paidAmount: row.finishedPrice,
    currency: CURRENCY,
    details: detailsOf(row),
    sourceUpdatedAt: row.lastChangeDate,
  };
}

/** `S…` is a sale, `R…` a return; of other prefixes the sign tells. */
function kindOf({ saleID, priceWithDisc }: Pick<z.output<typeof saleSchema>, 'saleID' | 'priceWithDisc'>) {
  if (saleID.startsWith('S')) return 'sale';
  return saleID.startsWith('R') || priceWithDisc?.startsWith('-') === true ? 'return' : 'sale';
}

/** An amount with the sign of its kind, however it came. */
function signed(kind: SaleRecord['kind'], amount: string | null): string | null {
  if (amount === null) return null;
  const size = amount.replace('-', '');
  return kind === 'return' ? `-${size}` : amount;
}

export function parseSale(raw: unknown): SaleRecord {
  const row = parseRecord(saleSchema, raw);
  const kind = kindOf(row);
  return {
    saleKey: row.saleID,
    orderKey: row.srid ?? null,
    kind,
    soldAt: row.date,
    productKey: row.nmId,
    offerCode: row.supplierArticle,
    barcode: row.barcode,
    warehouseName: row.warehouseName,
    region: row.regionName,
    amount: signed(kind, row.priceWithDisc),
    paidAmount: signed(kind, row.finishedPrice),
    payout: signed(kind, row.forPay),
    currency: CURRENCY,
    details: { ...detailsOf(row), scheme: schemeOf(row), paymentSaleAmount: row.paymentSaleAmount },
    sourceUpdatedAt: row.lastChangeDate,
  };
}
