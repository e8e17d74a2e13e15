// A started WhatsApp simulator with one tenant, at a fixed day and with a clock that tests turn, and plain requests to it.

import {
  createWhatsappSimulator,
  type WhatsappSimulator,
  type WhatsappSimulatorOptions,
} from '../simulators/whatsapp/simulator.ts';
import type { Tenant } from '../simulators/whatsapp/population.ts';
import type { App } from '../simulators/whatsapp/world.ts';

export const WHATSAPP_NOW = new Date('2026-11-20T09:00:00Z');
export const VERSION = 'v23.0';

/** What a plain request got. */
export interface GraphAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  /** Of a failure; `{}` of a success. */
  readonly error: Readonly<Record<string, unknown>>;
}

export interface WhatsappWorld {
  readonly sim: WhatsappSimulator;
  readonly app: App;
  readonly tenant: Tenant;
  /** The platform's wall clock; setting it moves the monotonic one as well. */
  now: Date;
  /** Milliseconds forward on both clocks. */
  pass(ms: number): void;
  /** `waba/phone_numbers?limit=1` as the tenant, or as whose token is given. Absolute addresses are taken as they are. */
  get(path: string, token?: string | null): Promise<GraphAnswer>;
  post(path: string, body: unknown, token?: string | null): Promise<GraphAnswer>;
  /** A text to somebody from the tenant's number. */
  sendText(to: string, text?: string): Promise<GraphAnswer>;
}

export async function startWhatsapp(options: WhatsappSimulatorOptions = {}): Promise<WhatsappWorld> {
  let now = WHATSAPP_NOW;
  let mono = 0;
  const sim = createWhatsappSimulator({ now: () => now, mono: () => mono, ...options });
  const app = sim.addApp();
  const tenant = sim.addTenant();
  await sim.start();
  const ask = async (
    method: string,
    path: string,
    sent: { token?: string | null; body?: unknown },
  ): Promise<GraphAnswer> => {
    const { token = tenant.token.value, body } = sent;
    const url = path.startsWith('http') ? path : `${sim.baseUrl}/${path.startsWith('v') ? path : `${VERSION}/${path}`}`;
    const answer = await fetch(url, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = (await answer.json()) as GraphAnswer['body'];
    return {
      status: answer.status,
      headers: answer.headers,
      body: json,
      error: (json['error'] ?? {}) as GraphAnswer['error'],
    };
  };
  const post: WhatsappWorld['post'] = (path, body, token) =>
    ask('POST', path, { body, ...(token === undefined ? {} : { token }) });
  return {
    sim,
    app,
    tenant,
    get now() {
      return now;
    },
    set now(at) {
      mono += at.getTime() - now.getTime();
      now = at;
    },
    pass(ms) {
      now = new Date(now.getTime() + ms);
      mono += ms;
    },
    get: (path, token) => ask('GET', path, token === undefined ? {} : { token }),
    post,
    sendText: (to, text = 'hello') =>
      post(`${tenant.number.id}/messages`, { messaging_product: 'whatsapp', to, type: 'text', text: { body: text } }),
  };
}
