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

export function createPopulation(world: World, { ids, now }: { ids: Ids; now: () => Date }): Population {
  const addApp: Population['addApp'] = ({ id = ids.numeric(), ...rest } = {}) => {
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
  };
  const firstApp = (): App => world.apps.values().next().value ?? addApp();
  const addWaba: Population['addWaba'] = ({ id = ids.numeric(), apps = [firstApp()], ...rest } = {}) => {
    const waba: Waba = {
      id,
      businessId: ids.numeric(),
      name: `Business ${id}`,
      currency: 'USD',
      country: 'US',
      numbers: [],
      templates: [],
      subscriptions: apps.map((app) => ({ app, callbackUrl: null })),
      figures: createFigures(),
      ...rest,
    };
    world.wabas.set(id, waba);
    return waba;
  };
  const addNumber: Population['addNumber'] = (waba, { id = ids.numeric(), display, ...rest } = {}) => {
    const shown = display ?? displayOf(world.numbers.size);
    const number: PhoneNumber = {
      id,
      waba,
      display: shown,
      digits: shown.replaceAll(/\D/g, ''),
      verifiedName: waba.name,
      status: 'LINKED',
      qualityRating: 'GREEN',
      username: null,
      callbackUrl: null,
      throughput: THROUGHPUT,
      onboardedAt: null,
      synced: new Set(),
      ...rest,
    };
    waba.numbers.push(number);
    world.numbers.set(id, number);
    return number;
  };
  const addToken: Population['addToken'] = (over = {}) => {
    const { value = `EAA${digitsOf(`token ${world.tokens.size}`, 40)}`, app = firstApp(), ...rest } = over;
    const token: Token = {
      value,
      name: `token-${world.tokens.size + 1}`,
      app,
      userId: ids.numeric(),
      scopes: rest.scopes ?? SCOPES,
      expiresAt: rest.expiresAt ?? null,
      issuedAt: now(),
      wabas: rest.wabas ?? null,
      revoked: null,
    };
    world.tokens.set(value, token);
    return token;
  };
  return {
    addApp,
    addWaba,
    addNumber,
    addToken,
    addTemplate: (waba, template) => addTemplate(waba, ids, template),
    addTenant(options = {}) {
      const waba = addWaba(options.waba);
      const number = addNumber(waba, options.number);
      const token = addToken({ wabas: [waba], ...options.token });
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
