// What a shop on the simulated Wildberries has: rows as the platform's methods send them, by the method that sends them.

import { randomUUID } from 'node:crypto';
import { makeToken, ALL_CATEGORIES, type Category, type TokenFacts, type TokenKind } from './token.ts';

export type Row = Record<string, unknown>;

export const RESOURCES = [
  'orders',
  'sales',
  'feed',
  'fbs',
  'wbStocks',
  'warehouses',
  'sellerStocks',
  'cards',
  'trash',
  'goods',
  'supplies',
  'reports',
  'lines',
  'funnel',
  'feedbacks',
  'archive',
  'questions',
  'chats',
  'events',
  'claims',
  'goodsReturns',
] as const;

export type Resource = (typeof RESOURCES)[number];

export interface Seller {
  readonly sid: string;
  readonly name: string;
  readonly rows: Readonly<Record<Resource, Row[]>>;
}

export interface NewSeller {
  readonly sid?: string;
  readonly kind?: TokenKind;
  readonly categories?: readonly Category[];
  readonly expiresAt?: Date;
}

export interface AddedSeller {
  readonly seller: Seller;
  readonly facts: TokenFacts;
  readonly credentials: { readonly api_key: string };
}

export interface SellerRegistry {
  /** A token of a new shop, or another one of a shop that is there. */
  add(seller?: NewSeller): AddedSeller;
  /** By the token in a header, with or without `Bearer`. */
  find(authorization: string | undefined): { readonly seller: Seller; readonly facts: TokenFacts } | undefined;
  /** The platform no longer knows this token. */
  revoke(token: string): void;
}

const HALF_A_YEAR_MS = 180 * 24 * 3_600_000;

export function createSellers(now: () => Date): SellerRegistry {
  const sellers = new Map<string, Seller>();
  const tokens = new Map<string, { readonly seller: Seller; readonly facts: TokenFacts }>();
  return {
    add({ sid = randomUUID(), kind = 'personal', categories = ALL_CATEGORIES, expiresAt } = {}) {
      const rows = Object.fromEntries(RESOURCES.map((name) => [name, [] as Row[]])) as unknown as Seller['rows'];
      const seller = sellers.get(sid) ?? { sid, name: `Shop ${sid.slice(0, 4)}`, rows };
      sellers.set(sid, seller);
      const facts = { sid, kind, categories, expiresAt: expiresAt ?? new Date(now().getTime() + HALF_A_YEAR_MS) };
      const token = makeToken(facts);
      tokens.set(token, { seller, facts });
      return { seller, facts, credentials: { api_key: token } };
    },
    find: (authorization) => tokens.get((authorization ?? '').replace(/^Bearer /, '')),
    revoke: (token) => void tokens.delete(token),
  };
}
