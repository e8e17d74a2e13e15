// What a shop on the simulated Ozon has: rows as the platform's methods send them.

import { randomUUID } from 'node:crypto';

export type Row = Record<string, unknown>;

export const RESOURCES = [
  'fbs',
  'fbo',
  'products',
  'prices',
  'stocks',
  'fboStocks',
  'accruals',
  'returns',
  'chats',
  'messages',
  'reviews',
  'questions',
  'days',
] as const;

export type Resource = (typeof RESOURCES)[number];

export type Subscription = 'UNSPECIFIED' | 'PREMIUM' | 'PREMIUM_LITE' | 'PREMIUM_PLUS' | 'PREMIUM_PRO';

export interface Seller {
  readonly clientId: string;
  readonly rows: Readonly<Record<Resource, Row[]>>;
  subscription: Subscription;
  /** Methods that the roles of its keys leave out. */
  readonly closed: Set<string>;
  keyExpiresAt: Date;
}

export interface NewSeller {
  readonly clientId?: string;
  readonly subscription?: Subscription;
  readonly keyExpiresAt?: Date;
}

export interface AddedSeller {
  readonly seller: Seller;
  readonly credentials: { readonly client_id: string; readonly api_key: string };
}

const HALF_A_YEAR_MS = 180 * 86_400_000;

export function createSellers(now: () => Date) {
  const keys = new Map<string, Seller>();
  const sellers = new Map<string, Seller>();
  let lastId = 100_000;
  return {
    /** A key of a new shop, or another one of a shop that is there. */
    add({ clientId = String((lastId += 7)), subscription = 'PREMIUM_PRO', keyExpiresAt }: NewSeller = {}): AddedSeller {
      const rows = Object.fromEntries(RESOURCES.map((name) => [name, [] as Row[]])) as unknown as Seller['rows'];
      const expiry = keyExpiresAt ?? new Date(now().getTime() + HALF_A_YEAR_MS);
      const seller = sellers.get(clientId) ?? { clientId, rows, subscription, closed: new Set(), keyExpiresAt: expiry };
      sellers.set(clientId, seller);
      const key = randomUUID();
      keys.set(key, seller);
      return { seller, credentials: { client_id: clientId, api_key: key } };
    },
    find(clientId: string, key: string): Seller | undefined {
      const seller = keys.get(key);
      return seller?.clientId === clientId ? seller : undefined;
    },
    revoke: (key: string): void => void keys.delete(key),
  };
}
