// What more than one part of the connector asks: who the seller is, and what his key opens.

import { z } from 'zod';
import type { OzonApi } from './api.ts';
import { rolesSchema, sellerSchema } from './schemas/account.ts';

export const anyObject = z.record(z.string(), z.unknown());

/** Roles of the key and when it ends; null: it does not say. */
export async function readRoles(api: OzonApi): Promise<z.output<typeof rolesSchema>> {
  return await api.call('/v1/roles', {}, rolesSchema);
}

export async function readSeller(api: OzonApi): Promise<z.output<typeof sellerSchema>> {
  return await api.call('/v1/seller/info', {}, sellerSchema);
}
