// Who is there on the simulated platform: apps, business accounts with numbers and templates, tokens, and people who write.

import type { Figures } from './figures.ts';

/** A program that is registered with Meta: signs webhooks, owns tokens. */
export interface App {
  readonly id: string;
  name: string;
  /** The key of webhook signatures and of `appsecret_proof`. */
  readonly secret: string;
  verifyToken: string;
  /** One for all tenants; null: nobody was told. */
  callbackUrl: string | null;
  /** Calls without `appsecret_proof` are refused. */
  requiresSecretProof: boolean;
}

export interface Subscription {
  readonly app: App;
  /** Instead of the app's. */
  callbackUrl: string | null;
}

/** A WhatsApp Business Account. */
export interface Waba {
  readonly id: string;
  /** The portfolio that it belongs to; user ids are scoped to it. */
  readonly businessId: string;
  name: string;
  currency: string;
  country: string;
  readonly numbers: PhoneNumber[];
  readonly templates: Template[];
  /** Apps that get its webhooks: with none of them nothing arrives. */
  readonly subscriptions: Subscription[];
  readonly figures: Figures;
}

export interface PhoneNumber {
  readonly id: string;
  readonly waba: Waba;
  /** As `phone_numbers` writes it: `+1 555-078-3881`. */
  readonly display: string;
  /** As webhooks write it: `15550783881`. */
  readonly digits: string;
  verifiedName: string;
  status: string;
  qualityRating: string;
  username: string | null;
  /** Instead of the app's and the account's. */
  callbackUrl: string | null;
  /** Messages a second. */
  throughput: number;
  /** When the owner's WhatsApp Business app was connected; null: the number lives on the Cloud API alone. */
  onboardedAt: Date | null;
  /** `sync_type` that were asked for already. */
  readonly synced: Set<string>;
}

export interface Template {
  readonly id: string;
  readonly waba: Waba;
  readonly name: string;
  readonly language: string;
  status: string;
  category: string;
  previousCategory: string | null;
  components: readonly Readonly<Record<string, unknown>>[];
}

export type Scope = 'whatsapp_business_management' | 'whatsapp_business_messaging' | 'business_management';

/** A system user's access token. */
export interface Token {
  readonly value: string;
  /** What the journal calls it. */
  readonly name: string;
  readonly app: App;
  readonly userId: string;
  scopes: readonly Scope[];
  /** Null: never. */
  expiresAt: Date | null;
  readonly issuedAt: Date;
  /** Accounts that were given to the user; null: all. */
  wabas: readonly Waba[] | null;
  /** Subcode of 190 with which it is refused: 460 password changed, 467 invalidated, 458 app removed; null: it is good. */
  revoked: number | null;
}

/** What the world knows of somebody who writes. */
export interface Contact {
  readonly key: string;
  /** Null: the number is hidden behind a username. */
  waId: string | null;
  /** How often the number changed: each number has user ids of its own. */
  numberChanges: number;
  /** Further numbers that lead to the same person when dialled: Brazil's and Mexico's old forms. */
  dialled: readonly string[];
  name: string;
  username: string | null;
  readonly country: string;
  /** Messages to them end as 131026. */
  isReachable: boolean;
}

export interface World {
  readonly apps: Map<string, App>;
  readonly wabas: Map<string, Waba>;
  readonly numbers: Map<string, PhoneNumber>;
  readonly tokens: Map<string, Token>;
  readonly contacts: Contact[];
}

export function createWorld(): World {
  return { apps: new Map(), wabas: new Map(), numbers: new Map(), tokens: new Map(), contacts: [] };
}

/** Whether the token was given this account. */
export function holds({ wabas }: Token, waba: Waba): boolean {
  return wabas?.includes(waba) ?? true;
}
