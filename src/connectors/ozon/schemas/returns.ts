// Returns, of what the platform delivered and of what the seller did.

import { z } from 'zod';
import type { ReturnRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, decimalText, idText, maybeInstant, maybeText } from '../../toolkit/scalars.ts';

const price = z.object({ price: decimalText.nullish(), currency_code: maybeText }).nullish();
const status = z.object({ id: idText.nullish(), display_name: maybeText, sys_name: maybeText }).nullish();

const returnSchema = z.object({
  id: idText,
  type: maybeText,
  schema: maybeText,
  return_reason_name: maybeText,
  posting_number: maybeText,
  order_number: maybeText,
  place: z.object({ name: maybeText }).nullish(),
  product: z
    .object({ sku: idText.nullish(), offer_id: maybeText, name: maybeText, quantity: count.nullish(), price })
    .nullish(),
  logistic: z
    .object({ return_date: maybeInstant, final_moment: maybeInstant, technical_return_moment: maybeInstant })
    .nullish(),
  visual: z.object({ status, change_moment: maybeInstant }).nullish(),
  compensation_status: z.object({ status }).nullish(),
  additional_info: z.object({ is_opened: z.boolean().nullish() }).nullish(),
});

type Status = NonNullable<ReturnRecord['status']>;

/** The platform's words for what is seen of a return (document of 2026-05). */
const WORDS: Readonly<Record<Status, readonly string[]>> = {
  open: [
    'DisputeOpened',
    'DisputeYouOpened',
    'DisputeOpening',
    'SendingError',
    'OnSellerApproval',
    'OnSellerClarification',
    'OnSellerClarificationAfterPartialCompensation',
    'OfferedPartialCompensation',
    'CompensationOffered',
    'WaitingShipment',
  ],
  approved: [
    'Approved',
    'ApprovedByOzon',
    'ReturnMoneyApproved',
    'PartialCompensationInProcess',
    'WaitingCompensation',
  ],
  rejected: [
    'Rejected',
    'CrmRejected',
    'CompensationRejected',
    'CompensationRejectedBySla',
    'CompensationRejectedBySeller',
  ],
  in_transit: ['ArrivedAtReturnPlace', 'MovingToSeller', 'ReturningToSellerByCourier', 'MovingToOzon'],
  received: ['ReceivedBySeller', 'ReturnedToOzon'],
  closed: [
    'Cancelled',
    'CancelledDisputeNotOpen',
    'PartialCompensationReturned',
    'MoneyReturned',
    'MoneyReturnedBySystem',
    'Utilizing',
    'Utilized',
  ],
};

const STATUS_OF: ReadonlyMap<string, Status> = new Map(
  Object.entries(WORDS).flatMap(([status, words]) => words.map((word) => [word.toLowerCase(), status as Status])),
);

/** A word that is not known says nothing. */
const statusOf = (word: string | null): Status | null => STATUS_OF.get((word ?? '').toLowerCase()) ?? null;

export function parseReturn(raw: unknown): ReturnRecord {
  const row = parseRecord(returnSchema, raw);
  const { product, logistic, visual } = row;
  const word = visual?.status?.sys_name ?? null;
  const currency = product?.price?.currency_code ?? null;
  const isMoney = currency !== null && /^[A-Z]{3}$/.test(currency);
  return {
    returnKey: row.id,
    kind: 'return',
    orderKey: row.posting_number,
    productKey: product?.sku ?? null,
    offerCode: product?.offer_id ?? null,
    status: statusOf(word),
    platformStatus: word,
    reason: row.return_reason_name,
    comment: null,
    quantity: product?.quantity ?? null,
    amount: isMoney ? (product?.price?.price ?? null) : null,
    currency: isMoney ? currency : null,
    openedAt: logistic?.return_date ?? logistic?.technical_return_moment ?? null,
    statusChangedAt: visual?.change_moment ?? null,
    details: {
      type: row.type,
      scheme: row.schema,
      orderNumber: row.order_number,
      place: row.place?.name ?? null,
      statusName: visual?.status?.display_name ?? null,
      compensation: row.compensation_status?.status?.sys_name ?? null,
      isOpened: row.additional_info?.is_opened ?? null,
    },
    sourceUpdatedAt: visual?.change_moment ?? null,
  };
}
