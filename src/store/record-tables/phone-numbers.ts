// Numbers that a business sends from, in the table `phone_numbers`.

import type { PhoneNumberRecord } from '../../core/records.ts';
import { instant, json, text, type RecordTable } from './record-table.ts';

export const phoneNumbersTable: RecordTable<PhoneNumberRecord> = {
  name: 'phone_numbers',
  keyColumns: ['phone_number_id'],
  keyOf: (number) => number.phoneNumberId,
  columns: [
    text('phone_number_id', (number) => number.phoneNumberId),
    text('display_phone_number', (number) => number.displayPhoneNumber),
    text('verified_name', (number) => number.verifiedName),
    text('status', (number) => number.status),
    text('quality_rating', (number) => number.qualityRating),
    json('details', (number) => number.details),
    instant('source_updated_at', (number) => number.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
