// How the simulated world is filled: apps, accounts, numbers, templates and tokens, each with what a test did not say.

import { createFigures } from './figures.ts';
import { digitsOf, type Ids } from './ids.ts';
import type { App, PhoneNumber, Scope, Template, Token, Waba, World } from './world.ts';

export interface NewApp extends Partial<Pick<App, 'id' | 'name' | 'secret' | 'verifyToken' | 'callbackUrl'>> {
  readonly requiresSecretProof?: boolean;
}

export interface NewWaba extends Partial<Pick<Waba, 'id' | 'businessId' | 'name' | 'currency' | 'country'>> {
  /** Apps that get its webhooks; default the first app, and `[]` is nobody. */
  readonly apps?: readonly App[];
}

export type NewNumber = Partial<Omit<PhoneNumber, 'waba' | 'digits' | 'synced'>>;

export interface NewTemplate extends Partial<Omit<Template, 'waba'>> {
  readonly name: string;
}

export interface NewToken {
  readonly value?: string;
  readonly app?: App;
  readonly scopes?: readonly Scope[];
  readonly expiresAt?: Date | null;
  readonly wabas?: readonly Waba[] | null;
}

/** A tenant as an integration sees it. */
export interface Tenant {
  readonly waba: Waba;
  readonly number: PhoneNumber;
  readonly token: Token;
  /** The credentials JSON of an integration. */
  readonly credentials: { readonly access_token: string; readonly phone_number_id: string };
}

export interface Population {
  addApp(app?: NewApp): App;
  addWaba(waba?: NewWaba): Waba;
  addNumber(waba: Waba, number?: NewNumber): PhoneNumber;
  addTemplate(waba: Waba, template: NewTemplate): Template;
  addToken(token?: NewToken): Token;
  /** An account of its own with one number and a token that opens nothing else. */
  addTenant(options?: { readonly waba?: NewWaba; readonly number?: NewNumber; readonly token?: NewToken }): Tenant;
  /** Takes a number or a template out of its account; cursors that point to it are worth nothing from now on. */
  remove(item: PhoneNumber | Template): void;
}

const SCOPES: readonly Scope[] = ['whatsapp_business_management', 'whatsapp_business_messaging'];
/** Messages a second that a number may send. */
const THROUGHPUT = 80;

interface Parts {
  readonly world: World;
  readonly ids: Ids;
  readonly now: () => Date;
}

export function createPopulation(parts: Parts): Population {
  const { world, ids } = parts;
  return {
    addApp: (app) => addApp(parts, app),
    addWaba: (waba) => addWaba(parts, waba),
    addNumber: (waba, number) => addNumber(parts, waba, number),
    addTemplate: (waba, template) => addTemplate(waba, ids, template),
    addToken: (token) => addToken(parts, token),
    addTenant(options = {}) {
      const waba = addWaba(parts, options.waba);
      const number = addNumber(parts, waba, options.number);
      const token = addToken(parts, { wabas: [waba], ...options.token });
      return { waba, number, token, credentials: { access_token: token.value, phone_number_id: number.id } };
    },
    remove(item) {
      world.numbers.delete(item.id);
      const list: { readonly id: string }[] = 'digits' in item ? item.waba.numbers : item.waba.templates;
      const at = list.findIndex(({ id }) => id === item.id);
      if (at >= 0) list.splice(at, 1);
    },
  };
}

function addApp({ world, ids }: Parts, { id = ids.numeric(), ...rest }: NewApp = {}): App {
  const app: App = {
    id,
    name: `App ${id}`,
    secret: digitsOf(`secret ${id}`, 32),
    verifyToken: `verify-${id}`,
    callbackUrl: null,
    requiresSecretProof: false,
    ...rest,
  };
  world.apps.set(id, app);
  return app;
}

function firstApp(parts: Parts): App {
  return parts.world.apps.values().next().value ?? addApp(parts);
}

function addWaba(parts: Parts, { id = parts.ids.numeric(), apps = [firstApp(parts)], ...rest }: NewWaba = {}): Waba {
  const waba: Waba = {
    id,
    businessId: parts.ids.numeric(),
    name: `Business ${id}`,
    currency: 'USD',
    country: 'US',
    numbers: [],
    templates: [],
    subscriptions: apps.map((app) => ({ app, callbackUrl: null })),
    figures: createFigures(),
    ...rest,
  };
  parts.world.wabas.set(id, waba);
  return waba;
}

function addNumber({ world, ids }: Parts, waba: Waba, { id = ids.numeric(), ...rest }: NewNumber = {}): PhoneNumber {
  const { display = displayOf(world.numbers.size) } = rest;
  const number: PhoneNumber = {
    id,
    waba,
    digits: display.replaceAll(/\D/g, ''),
    verifiedName: waba.name,
    status: 'LINKED',
    qualityRating: 'GREEN',
    username: null,
    callbackUrl: null,
    throughput: THROUGHPUT,
    onboardedAt: null,
    synced: new Set(),
    ...rest,
    display,
  };
  waba.numbers.push(number);
  world.numbers.set(id, number);
  return number;
}

function addToken(parts: Parts, token: NewToken = {}): Token {
  const { world, ids, now } = parts;
  const count = world.tokens.size + 1;
  const added: Token = {
    value: `EAA${digitsOf(`token ${count}`, 40)}`,
    name: `token-${count}`,
    app: token.app ?? firstApp(parts),
    userId: ids.numeric(),
    scopes: SCOPES,
    expiresAt: null,
    issuedAt: now(),
    wabas: null,
    revoked: null,
    ...token,
  };
  world.tokens.set(added.value, added);
  return added;
}

function addTemplate(waba: Waba, ids: Ids, template: NewTemplate): Template {
  const added: Template = {
    id: ids.numeric(),
    waba,
    language: 'en_US',
    status: 'APPROVED',
    category: 'UTILITY',
    previousCategory: null,
    components: [{ type: 'BODY', text: `Hello from ${template.name}` }],
    ...template,
  };
  waba.templates.push(added);
  return added;
}

/** `+1 555-078-0001`, and so on. */
function displayOf(index: number): string {
  return `+1 555-078-${String(index + 1).padStart(4, '0')}`;
}
