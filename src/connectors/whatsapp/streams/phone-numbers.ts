// Numbers of the business account, as a snapshot.

import { defineStream } from '../../contract/connector.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { wabaIdOf } from '../account.ts';
import { createGraphApi } from '../api.ts';
import type { WhatsAppCredential } from '../credential.ts';
import { edgePages, SNAPSHOT_CURSOR, snapshotPages, type SnapshotCursor } from '../lists.ts';
import { NUMBER_FIELDS, parsePhoneNumber } from '../schemas/phone-numbers.ts';
import type { WhatsAppSettings } from '../settings.ts';

export const phoneNumbers = defineStream<WhatsAppCredential, WhatsAppSettings, 'phone_number', SnapshotCursor>({
  name: 'phone_numbers',
  kind: 'phone_number',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 1,
  cursor: SNAPSHOT_CURSOR,
  highWaterMark: ({ readAt }) => new Date(readAt),
  async *read(plan, context) {
    const path = `/${wabaIdOf(context.settings, 'phone_numbers')}/phone_numbers`;
    yield* snapshotPages('phone_numbers', plan, edgePages(createGraphApi(context), path, { fields: NUMBER_FIELDS }));
  },
  parse: parsePhoneNumber,
  keyOf: idOf,
});
