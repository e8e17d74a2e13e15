// Buyers' claims. The platform shows those of the last fourteen days, so each pass reads all that it shows, open and closed.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { createWildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { CLAIMS } from '../endpoints.ts';
import { claimKey, parseClaim } from '../schemas/returns.ts';
import type { WildberriesSettings } from '../settings.ts';

const LIMIT = 200;
/** More claims than this in fourteen days are no shop any more. */
const MAX_PAGES = 500;

const cursorSchema = z.strictObject({ readAt: z.iso.datetime() });
const answerSchema = z.object({ claims: z.array(z.record(z.string(), z.unknown())).nullish() });

export const claims = defineStream<WildberriesCredential, WildberriesSettings, 'return', z.output<typeof cursorSchema>>(
  {
    name: 'claims',
    kind: 'return',
    owner: 'user',
    defaultIntervalMinutes: 60,
    fullEveryMs: null,
    lookbackMs: 0,
    readAhead: true,
    typicalCost: 2,
    cursor: { version: 1, schema: cursorSchema },
    highWaterMark: ({ readAt }) => new Date(readAt),
    async *read({ until }, context) {
      const api = createWildberriesApi(context);
      // Open ones first: a claim that is closed in between is then read in both states, the newer one last.
      for (const isArchived of [false, true]) {
        for (let page = 0; page < MAX_PAGES; page += 1) {
          const query = { is_archive: isArchived, limit: LIMIT, offset: page * LIMIT };
          const rows = (await api.ask(CLAIMS, answerSchema, { query }))?.claims ?? [];
          yield { records: rows.map((row) => ({ ...row, isArchived })), mode: { kind: 'upsert' } };
          if (rows.length < LIMIT) break;
        }
      }
      yield { records: [], mode: { kind: 'upsert' }, checkpoint: { readAt: until.toISOString() } };
    },
    parse: parseClaim,
    keyOf: claimKey,
  },
);
