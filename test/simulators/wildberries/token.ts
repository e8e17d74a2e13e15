// Tokens as Wildberries makes them: a JWT whose claims name the seller, its kind, its end and the categories that it opens.

import { randomUUID } from 'node:crypto';

export type TokenKind = 'personal' | 'base' | 'service' | 'test';

const BITS = {
  content: 1,
  analytics: 2,
  prices: 3,
  marketplace: 4,
  statistics: 5,
  feedbacks: 7,
  chat: 9,
  supplies: 10,
  returns: 11,
} as const;

export type Category = keyof typeof BITS;

export const ALL_CATEGORIES = Object.keys(BITS) as readonly Category[];

const ACCOUNT_KINDS = { base: 1, test: 2, personal: 3, service: 4 } as const;

export interface TokenFacts {
  readonly sid: string;
  readonly kind: TokenKind;
  readonly categories: readonly Category[];
  readonly expiresAt: Date;
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Each one is another text, as each is another token. */
export function makeToken({ sid, kind, categories, expiresAt }: TokenFacts): string {
  const claims = {
    acc: ACCOUNT_KINDS[kind],
    exp: Math.floor(expiresAt.getTime() / 1_000),
    id: randomUUID(),
    iid: 1234,
    oid: 5678,
    s: categories.reduce((mask, category) => mask + 2 ** BITS[category], 0),
    sid,
    t: kind === 'test',
    uid: 91,
    for: 'self',
  };
  return `${part({ alg: 'ES256', kid: 'test', typ: 'JWT' })}.${part(claims)}.${part(randomUUID())}`;
}
