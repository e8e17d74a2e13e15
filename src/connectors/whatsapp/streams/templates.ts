// Message templates of the business account, as a snapshot.

import { defineStream } from '../../contract/connector.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { wabaIdOf } from '../account.ts';
import { createGraphApi } from '../api.ts';
import type { WhatsAppCredential } from '../credential.ts';
import { edgePages, SNAPSHOT_CURSOR, snapshotPages, type SnapshotCursor } from '../lists.ts';
import { parseTemplate } from '../schemas/templates.ts';
import type { WhatsAppSettings } from '../settings.ts';

export const templates = defineStream<WhatsAppCredential, WhatsAppSettings, 'message_template', SnapshotCursor>({
  name: 'templates',
  kind: 'message_template',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: SNAPSHOT_CURSOR,
  highWaterMark: ({ readAt }) => new Date(readAt),
  async *read(plan, context) {
    const path = `/${wabaIdOf(context.settings, 'templates')}/message_templates`;
    yield* snapshotPages('templates', plan, edgePages(createGraphApi(context), path));
  },
  parse: parseTemplate,
  keyOf: idOf,
});
