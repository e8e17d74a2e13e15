// What the platform says of the key in hand and of the shop behind it.

import { z } from 'zod';
import { maybeInstant, maybeText } from '../toolkit/scalars.ts';
import type { OzonApi } from './api.ts';

const rolesSchema = z.object({
  expires_at: maybeInstant,
  roles: z.array(z.object({ name: z.string(), methods: z.array(z.string()).nullish() })).nullish(),
});

const infoSchema = z.object({
  company: z.record(z.string(), z.unknown()).nullish(),
  subscription: z.object({ type: maybeText, is_premium: z.boolean().nullish() }).nullish(),
});

export type Roles = z.output<typeof rolesSchema>;
export type SellerInfo = z.output<typeof infoSchema>;

/** What the key may do, and until when it lives. */
export function readRoles(api: OzonApi): Promise<Roles> {
  return api.call('/v1/roles', {}, rolesSchema);
}

export function readSeller(api: OzonApi): Promise<SellerInfo> {
  return api.call('/v1/seller/info', {}, infoSchema);
}

const PLUS: ReadonlySet<string> = new Set(['PREMIUM_PLUS', 'PREMIUM_PRO']);

/** Whether the shop pays for all figures of the analytics. */
export function hasAllFigures({ subscription }: SellerInfo): boolean {
  return PLUS.has(subscription?.type ?? '');
}
