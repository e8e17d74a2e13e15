// Cards of the catalogue, and those in the trash.

import { z } from 'zod';
import type { ProductRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalText, idText, maybeInstant, maybeText } from '../../toolkit/scalars.ts';

const cardSchema = z.object({
  nmID: idText,
  imtID: idText.nullish(),
  nmUUID: maybeText,
  subjectID: idText.nullish(),
  subjectName: maybeText,
  vendorCode: maybeText,
  brand: maybeText,
  title: maybeText,
  description: maybeText,
  needKiz: z.boolean().nullish(),
  photos: z.array(z.object({ big: maybeText })).nullish(),
  video: maybeText,
  dimensions: z
    .object({
      length: decimalText.nullish(),
      width: decimalText.nullish(),
      height: decimalText.nullish(),
      weightBrutto: decimalText.nullish(),
    })
    .nullish(),
  // A value is a text, a number or a list of them.
  characteristics: z.array(z.object({ id: idText, name: maybeText, value: z.unknown() })).nullish(),
  sizes: z
    .array(z.object({ chrtID: idText, techSize: maybeText, wbSize: maybeText, skus: z.array(z.string()).nullish() }))
    .nullish(),
  tags: z.array(z.object({ id: idText, name: maybeText })).nullish(),
  createdAt: maybeInstant,
  updatedAt: maybeInstant,
  trashedAt: maybeInstant,
});

type Card = z.output<typeof cardSchema>;

const detailsOf = ({ imtID, nmUUID, needKiz, video, dimensions, tags, updatedAt }: Card): ProductRecord['details'] => ({
  imtId: imtID ?? null,
  nmUuid: nmUUID,
  needsMarking: needKiz ?? null,
  video,
  dimensions: dimensions ?? null,
  tags: (tags ?? []).map(({ name }) => name),
  updatedAt: updatedAt?.toISOString() ?? null,
});

export function parseCard(raw: unknown): ProductRecord {
  const card = parseRecord(cardSchema, raw);
  const sizes = card.sizes ?? [];
  return {
    productKey: card.nmID,
    offerCode: card.vendorCode,
    title: card.title,
    description: card.description,
    brand: card.brand,
    categoryId: card.subjectID ?? null,
    category: card.subjectName,
    barcodes: sizes.flatMap(({ skus }) => skus ?? []),
    images: (card.photos ?? []).flatMap(({ big }) => big ?? []),
    variants: sizes.map(({ chrtID, techSize, wbSize, skus }) => ({
      variantKey: chrtID,
      size: techSize,
      wbSize,
      barcodes: skus ?? [],
    })),
    attributes: (card.characteristics ?? []).map(({ id, name, value }) => ({ id, name, value: value ?? null })),
    status: card.trashedAt === null ? 'active' : 'trashed',
    platformStatus: null,
    trashedAt: card.trashedAt,
    listedAt: card.createdAt,
    details: detailsOf(card),
    // A card that comes back from the trash has an older stamp than it had there.
    sourceUpdatedAt: null,
  };
}
