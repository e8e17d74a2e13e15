// The sellers of a simulated Ozon: a Client-Id, one Api-Key with its roles, and a subscription.

export type Subscription = 'UNSPECIFIED' | 'PREMIUM_LITE' | 'PREMIUM' | 'PREMIUM_PLUS' | 'PREMIUM_PRO';

export interface Role {
  readonly name: string;
  /** Paths, or their beginnings: `/v1/posting` opens `/v1/posting/…`. */
  readonly methods: readonly string[];
}

export interface Seller {
  readonly clientId: string;
  readonly apiKey: string;
  name: string;
  subscription: Subscription;
  /** Null: the key is an administrator's and opens everything. */
  roles: readonly Role[] | null;
  keyExpiresAt: Date;
  /** False: the key was deactivated. */
  isActive: boolean;
}

export interface NewSeller {
  readonly clientId?: string;
  readonly name?: string;
  readonly subscription?: Subscription;
  readonly roles?: readonly Role[] | null;
  readonly keyExpiresAt?: Date;
}

export interface AddedSeller {
  readonly seller: Seller;
  /** The credentials JSON of an integration. */
  readonly credentials: { readonly client_id: string; readonly api_key: string };
}

export interface Sellers {
  readonly all: ReadonlyMap<string, Seller>;
  add(seller?: NewSeller): AddedSeller;
}

const KEY_LIVES_MS = 180 * 86_400_000;
const FIRST_CLIENT_ID = 410_000;

export function createSellers(now: () => Date): Sellers {
  const all = new Map<string, Seller>();
  return {
    all,
    add({ clientId = String(FIRST_CLIENT_ID + all.size), ...rest } = {}) {
      const seller: Seller = {
        clientId,
        apiKey: `00000000-0000-4000-8000-${clientId.padStart(12, '0').slice(-12)}`,
        name: rest.name ?? `Shop ${clientId}`,
        subscription: rest.subscription ?? 'PREMIUM_PRO',
        roles: rest.roles ?? null,
        keyExpiresAt: rest.keyExpiresAt ?? new Date(now().getTime() + KEY_LIVES_MS),
        isActive: true,
      };
      all.set(clientId, seller);
      return { seller, credentials: { client_id: clientId, api_key: seller.apiKey } };
    },
  };
}

/** Whether the key's roles open the method. */
export function isOpenTo({ roles }: Seller, path: string): boolean {
  if (roles === null) return true;
  return roles.some(({ methods }) => methods.some((method) => path === method || path.startsWith(`${method}/`)));
}
