// The shop itself, once a day: its ratings, and what its key may do until when. Methods that no role of the key opens are told.

import { z } from 'zod';
import { AppError, reportOf, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { parseAccount } from '../schemas/account.ts';
import { readRoles, readSeller, type Roles } from '../seller.ts';
import type { OzonSettings } from '../settings.ts';

const cursorSchema = z.strictObject({ readAt: z.iso.datetime() });
const ratingsSchema = z.object({ groups: z.array(z.record(z.string(), z.unknown())).nullish() });

/** Methods of our streams; one that the roles leave out parks its stream at the first try. */
const METHODS = [
  '/v4/posting/fbs/list',
  '/v3/posting/fbo/list',
  '/v3/product/list',
  '/v4/product/info/stocks',
  '/v5/product/info/prices',
  '/v1/finance/accrual/by-day',
  '/v1/returns/list',
  '/v3/chat/list',
] as const;

/** Null: the roles do not name methods, or open all of them. */
function missingOf({ roles }: Roles): ErrorReport | null {
  const named = (roles ?? []).flatMap(({ methods }) => methods ?? []);
  const missing = named.length === 0 ? [] : METHODS.filter((method) => !named.includes(method));
  if (missing.length === 0) return null;
  const message = `no role of the key opens ${missing.join(', ')}: their streams will stop`;
  return { code: 'platform.scope_missing', kind: 'scope', message, details: { methods: missing } };
}

export const account = defineStream<OzonCredential, OzonSettings, 'seller_account', z.output<typeof cursorSchema>>({
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
    const api = createOzonApi(context);
    const problems: ErrorReport[] = [];
    const roles = await readRoles(api);
    const missing = missingOf(roles);
    if (missing !== null) problems.push(missing);
    const seller = await readSeller(api);
    const ratings = await api.call('/v1/rating/summary', {}, ratingsSchema).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.kind !== 'scope') throw error;
      problems.push(reportOf(error));
      return { groups: null };
    });
    const { expires_at: expiresAt } = roles;
    const clientId = await api.clientId();
    const names = roles.roles?.map(({ name }) => ({ name })) ?? null;
    yield {
      records: [{ ...seller, ...ratings, clientId, roles: names, expiresAt: expiresAt?.toISOString() ?? null }],
      mode: { kind: 'upsert' },
      checkpoint: { readAt: until.toISOString() },
      ...(expiresAt === null ? {} : { credentialExpiresAt: expiresAt }),
      problems,
    };
  },
  parse: parseAccount,
  keyOf: (raw) => keyIn(raw, 'clientId'),
});
