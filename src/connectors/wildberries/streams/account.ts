// The shop itself, once a day. What its token does not open stays empty; a right that a service token lacks is told.

import { z } from 'zod';
import { AppError, reportOf, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createWildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { SELLER_INFO, SELLER_RATING, SUBSCRIPTIONS, type Endpoint } from '../endpoints.ts';
import { parseAccount } from '../schemas/account.ts';
import type { WildberriesSettings } from '../settings.ts';

const cursorSchema = z.strictObject({ readAt: z.iso.datetime() });
const objectSchema = z.record(z.string(), z.unknown());

export const account = defineStream<
  WildberriesCredential,
  WildberriesSettings,
  'seller_account',
  z.output<typeof cursorSchema>
>({
  name: 'account',
  kind: 'seller_account',
  owner: 'user',
  defaultIntervalMinutes: 24 * 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: false,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  async *read({ until }, context) {
    const api = createWildberriesApi(context);
    const { sellerId, kind, categories, expiresAt } = await api.token();
    const info = (await api.ask(SELLER_INFO, objectSchema)) ?? {};
    const problems: ErrorReport[] = [];
    const optional = async (endpoint: Endpoint): Promise<unknown> => {
      // Both are for service tokens only (documents of 2026-08-18): of another one their absence is no news every day.
      if (kind !== 'service') return null;
      try {
        return await api.ask(endpoint, objectSchema);
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== 'scope') throw error;
        problems.push(reportOf(error));
        return null;
      }
    };
    const rating = await optional(SELLER_RATING);
    const subscription = await optional(SUBSCRIPTIONS);
    const token = { kind, categories: [...categories], expiresAt: expiresAt.toISOString() };
    yield {
      records: [{ ...info, sid: sellerId, token, rating, subscription }],
      mode: { kind: 'upsert' },
      checkpoint: { readAt: until.toISOString() },
      credentialExpiresAt: expiresAt,
      problems,
    };
  },
  parse: parseAccount,
  keyOf: (raw) => keyIn(raw, 'sid'),
});
