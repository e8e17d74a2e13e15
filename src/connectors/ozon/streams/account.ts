// The shop itself, once a day: who it is, how it is rated, what its key opens and until when.

import { z } from 'zod';
import { AppError, reportOf, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context, type Method, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { anyObject } from '../queries.ts';
import { parseAccount, rolesSchema } from '../schemas/account.ts';
import type { OzonSettings } from '../settings.ts';

const cursorSchema = z.strictObject({ readAt: z.iso.datetime() });
type Cursor = z.output<typeof cursorSchema>;

type Raw = Readonly<Record<string, unknown>>;

/** What a key without this role may do without. */
async function askOptional(api: OzonApi, method: Method): Promise<{ raw: Raw | null; problems: ErrorReport[] }> {
  try {
    return { raw: await api.call(method, {}, anyObject), problems: [] };
  } catch (error) {
    if (!(error instanceof AppError && (error.kind === 'scope' || error.kind === 'gone'))) throw error;
    return { raw: null, problems: [reportOf(error)] };
  }
}

async function* readAccount(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const seller = await api.call('/v1/seller/info', {}, anyObject);
  const roles = await api.call('/v1/roles', {}, anyObject);
  const { raw: rating_summary, problems } = await askOptional(api, '/v1/rating/summary');
  const expiresAt = rolesSchema.safeParse(roles).data?.expires_at;
  yield {
    records: [{ client_id: await api.clientId(), seller, roles, rating_summary }],
    mode: { kind: 'upsert' },
    checkpoint: { readAt: plan.until.toISOString() },
    ...(expiresAt == null ? {} : { credentialExpiresAt: expiresAt }),
    problems,
  };
}

export const account = defineStream<OzonCredential, OzonSettings, 'seller_account', Cursor>({
  name: 'account',
  kind: 'seller_account',
  owner: 'user',
  defaultIntervalMinutes: 24 * 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readAt }) => new Date(readAt),
  read: readAccount,
  parse: parseAccount,
  keyOf: (raw) => keyIn(raw, 'client_id'),
});
