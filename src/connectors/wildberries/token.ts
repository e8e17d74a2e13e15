// What a token of Wildberries says of itself. It is read, not verified: only the platform can do that, and does.

import { z } from 'zod';
import { SECOND_MS } from '../../core/duration.ts';

/** Bits of the claim `s` (knowledge base of the seller API, 2026-08-18); later bits are not documented. */
export const CATEGORY_BITS = {
  content: 1,
  analytics: 2,
  prices: 3,
  marketplace: 4,
  statistics: 5,
  promotion: 6,
  feedbacks: 7,
  recommendations: 8,
  chat: 9,
  supplies: 10,
  returns: 11,
  documents: 12,
} as const;

export type Category = keyof typeof CATEGORY_BITS;

/** Of whom the platform takes how many requests: claim `acc`. */
const KINDS = { 1: 'base', 2: 'test', 3: 'personal', 4: 'service' } as const;

export type TokenKind = (typeof KINDS)[keyof typeof KINDS];

export interface Token {
  /** The seller's UUID: the account, and the key of its limits. */
  readonly sellerId: string;
  readonly expiresAt: Date;
  readonly kind: TokenKind;
  readonly categories: ReadonlySet<Category>;
}

const claimsSchema = z.object({
  sid: z.string().min(1),
  exp: z.number().int().positive(),
  s: z.number().int().nonnegative().default(0),
  acc: z.number().optional(),
  t: z.boolean().default(false),
});

/** Null: it is no such token. Never quotes it. */
export function decodeToken(text: string): Token | null {
  const [, payload, signature] = text.split('.');
  if (payload === undefined || signature === undefined) return null;
  const claims = claimsSchema.safeParse(jsonOf(Buffer.from(payload, 'base64url').toString('utf8')));
  if (!claims.success) return null;
  const { sid, exp, s, acc, t } = claims.data;
  return {
    sellerId: sid,
    expiresAt: new Date(exp * SECOND_MS),
    kind: t ? 'test' : (KINDS[acc as keyof typeof KINDS] ?? 'personal'),
    categories: new Set((Object.keys(CATEGORY_BITS) as Category[]).filter((name) => hasBit(s, CATEGORY_BITS[name]))),
  };
}

/** Bits above 31 are in use: `&` would not see them. */
function hasBit(mask: number, bit: number): boolean {
  return Math.floor(mask / 2 ** bit) % 2 === 1;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
