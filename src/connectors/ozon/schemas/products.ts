// A card: the list's row, what is said of many cards at once, and its attributes, put together by the stream.

import { z } from 'zod';
import type { ProductRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { idText, maybeInstant, maybeText } from '../../toolkit/scalars.ts';
import { maybeDecimal, maybeId, maybeList } from './scalars.ts';

const infoSchema = z.object({
  sku: maybeId,
  name: maybeText,
  barcodes: maybeList(z.string()),
  images: maybeList(z.string()),
  primary_image: maybeList(z.string()),
  description_category_id: maybeId,
  type_id: maybeId,
  created_at: maybeInstant,
  updated_at: maybeInstant,
  is_archived: z.boolean().nullish(),
  is_autoarchived: z.boolean().nullish(),
  is_discounted: z.boolean().nullish(),
  is_kgt: z.boolean().nullish(),
  vat: maybeText,
  volume_weight: maybeDecimal,
  model_info: z.object({ model_id: maybeId, count: maybeDecimal }).nullish(),
  sources: maybeList(z.object({ sku: maybeId, source: maybeText, shipment_type: maybeText })),
  errors: maybeList(z.object({ code: maybeText, field: maybeText, level: maybeText })),
  statuses: z
    .object({
      is_created: z.boolean().nullish(),
      status: maybeText,
      status_failed: maybeText,
      status_name: maybeText,
      status_description: maybeText,
      moderate_status: maybeText,
      validation_status: maybeText,
    })
    .nullish(),
});

const attributeSchema = z.object({
  id: idText,
  complex_id: maybeId,
  values: maybeList(z.object({ dictionary_value_id: maybeId, value: maybeText })),
});

const attributesSchema = z.object({
  attributes: maybeList(attributeSchema),
  complex_attributes: maybeList(attributeSchema),
  depth: maybeDecimal,
  width: maybeDecimal,
  height: maybeDecimal,
  dimension_unit: maybeText,
  weight: maybeDecimal,
  weight_unit: maybeText,
});

const productSchema = z.object({
  product_id: idText,
  offer_id: maybeText,
  archived: z.boolean().nullish(),
  /** Null: the platform listed it and said no more. */
  info: infoSchema.nullable(),
  attributes: attributesSchema.nullable(),
});

type Product = z.output<typeof productSchema>;
type Info = z.output<typeof infoSchema>;

/** Attributes that every category has (attribute dictionary, read 2026-10-06). */
const BRAND = '85';
const ANNOTATION = '4191';

function statusOf({ archived, info }: Product): ProductRecord['status'] {
  if (archived === true || info?.is_archived === true || info?.is_autoarchived === true) return 'archived';
  const statuses = info?.statuses;
  return statuses?.is_created === false || statuses?.status_failed != null ? 'hidden' : 'active';
}

/** Each sku under which it is sold, the card's own first. */
function variantsOf(info: Info | null): ProductRecord['variants'] {
  const sources = info?.sources ?? [];
  const others = sources.filter(({ sku }) => sku !== null && sku !== info?.sku);
  const own = sources.find(({ sku }) => sku === info?.sku);
  const first =
    info?.sku == null ? [] : [{ sku: info.sku, source: own?.source ?? null, shipmentType: own?.shipment_type ?? null }];
  return [...first, ...others.map(({ sku, source, shipment_type }) => ({ sku, source, shipmentType: shipment_type }))];
}

/** Throws `record.invalid`. */
export function parseProduct(raw: unknown): ProductRecord {
  const product = parseRecord(productSchema, raw);
  const { info, attributes: card } = product;
  const attributes = [...(card?.attributes ?? []), ...(card?.complex_attributes ?? [])];
  const textOf = (id: string): string | null => attributes.find((each) => each.id === id)?.values[0]?.value ?? null;
  const images = [...(info?.primary_image ?? []), ...(info?.images ?? [])];
  return {
    sourceUpdatedAt: info?.updated_at ?? null,
    productKey: product.product_id,
    offerCode: product.offer_id,
    title: info?.name ?? null,
    description: textOf(ANNOTATION),
    brand: textOf(BRAND),
    categoryId: info?.description_category_id ?? null,
    category: null,
    barcodes: info?.barcodes ?? [],
    images: [...new Set(images)],
    variants: variantsOf(info),
    attributes: attributes
      .filter(({ id }) => id !== ANNOTATION)
      .map(({ id, complex_id: complexId, values }) => ({
        id,
        complexId,
        values: values.map(({ value }) => value),
        valueIds: values.map(({ dictionary_value_id: valueId }) => valueId),
      })),
    status: statusOf(product),
    platformStatus: info?.statuses?.status ?? null,
    trashedAt: null,
    listedAt: info?.created_at ?? null,
    details: detailsOf(product),
  };
}

function detailsOf({ info, attributes: card }: Product): Readonly<Record<string, unknown>> {
  return {
    typeId: info?.type_id ?? null,
    statusName: info?.statuses?.status_name ?? null,
    statusDescription: info?.statuses?.status_description ?? null,
    moderateStatus: info?.statuses?.moderate_status ?? null,
    validationStatus: info?.statuses?.validation_status ?? null,
    errors: (info?.errors ?? []).map(({ code, field, level }) => ({ code, field, level })),
    isAutoarchived: info?.is_autoarchived ?? null,
    isDiscounted: info?.is_discounted ?? null,
    isOversized: info?.is_kgt ?? null,
    vat: info?.vat ?? null,
    volumeWeight: info?.volume_weight ?? null,
    modelId: info?.model_info?.model_id ?? null,
    depth: card?.depth ?? null,
    width: card?.width ?? null,
    height: card?.height ?? null,
    dimensionUnit: card?.dimension_unit ?? null,
    weight: card?.weight ?? null,
    weightUnit: card?.weight_unit ?? null,
  };
}
