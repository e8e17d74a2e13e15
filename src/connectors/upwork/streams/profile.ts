// The user's own profile: one record, read whole; the store's content hash tells whether it changed.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi } from '../api.ts';
import { readProfile } from '../queries.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { parseProfile } from '../schemas/profile.ts';
import type { UpworkSettings } from '../settings.ts';

const cursorSchema = z.strictObject({ readAt: z.iso.datetime() });

export const profile = defineStream<UpworkCredential, UpworkSettings, 'upwork_profile', z.output<typeof cursorSchema>>({
  name: 'profile',
  kind: 'upwork_profile',
  owner: 'user',
  defaultIntervalMinutes: 24 * 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: false,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  async *read(plan, context) {
    const { data, problems } = await createUpworkApi(context).query(readProfile, {});
    yield {
      records: data.user == null ? [] : [data.user],
      mode: { kind: 'upsert' },
      checkpoint: { readAt: plan.until.toISOString() },
      progress: { done: 1, total: 1 },
      problems,
    };
  },
  parse: parseProfile,
  keyOf: idOf,
});
