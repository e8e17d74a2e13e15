// The simulated WhatsApp Cloud API: Graph over real HTTP on a loopback port, and signed webhooks to whoever is subscribed. It
// answers from memory, calls nobody but the callback addresses it was given, and belongs to tests and the demo only.

import { Faults } from '../faults.ts';
import { Journal } from '../journal.ts';
import { createSimulatorServer, type SimulatorRequest } from '../server.ts';
import { createConversations, type AcceptedMessage } from './conversations.ts';
import { handshake, type HandshakeResult } from './handshake.ts';
import { createIds } from './ids.ts';
import { createMedia, type MediaStore } from './media.ts';
import { addPerson, type NewPerson, type Person } from './people.ts';
import { createPopulation, type Population } from './population.ts';
import { Refusals } from './refusals.ts';
import { createRoutes, type RouteParts } from './routes.ts';
import { contactBy } from './sending.ts';
import { createTelling, type Telling } from './telling.ts';
import { defaultTraps, type WhatsappTraps } from './traps.ts';
import { createUsage, defaultLimits, type WhatsappLimits } from './usage.ts';
import { WebhookSender, type SenderOptions } from './webhook-sender.ts';
import { createWebhooks, type Webhooks } from './webhooks.ts';
import { createWorld, type App, type Contact, type PhoneNumber, type Waba, type World } from './world.ts';

export interface WhatsappSimulatorOptions extends Pick<SenderOptions, 'retryDelaysMs' | 'answerTimeoutMs'> {
  /** Wall clock of the platform. Default the real one. */
  readonly now?: () => Date;
  /** Monotonic milliseconds: budgets, buckets and journal. Default `performance.now`. */
  readonly mono?: () => number;
  readonly traps?: Partial<WhatsappTraps>;
  readonly limits?: Partial<WhatsappLimits>;
}

export interface WhatsappSimulator extends Population, Telling, Pick<Webhooks, 'together' | 'flush'> {
  /** For `WHATSAPP_BASE_URL`: paths follow it as they are. */
  readonly baseUrl: string;
  readonly journal: Journal;
  /** `operation` is the edge: `messages`, `phone_numbers`; `waba`, `number`, `media` for a node itself; `debug_token`. */
  readonly faults: Faults;
  readonly refusals: Refusals;
  /** Live switches. */
  readonly traps: WhatsappTraps;
  /** May be changed while running. */
  readonly limits: WhatsappLimits;
  readonly world: World;
  readonly media: MediaStore;
  /** What was posted to callbacks, and how it went. */
  readonly sender: WebhookSender;
  /** Paths with their query as they were asked, tokens masked; the newest 10,000. */
  readonly addresses: readonly string[];
  addPerson(person?: NewPerson): Person;
  /** Shakes hands with the address; webhooks of the app go there once that went well. */
  connect(app: App, callbackUrl: string): Promise<HandshakeResult>;
  /** Messages that were accepted, oldest first: one that was sent twice stands there twice. */
  sentTo(number: PhoneNumber, to?: Contact | string): readonly AcceptedMessage[];
  /** Refuses every call of the app for the account for so many minutes. */
  block(app: App, waba: Waba, minutes: number): void;
  start(port?: number): Promise<void>;
  stop(): Promise<void>;
}

/** A stopped simulator of an empty world. */
export function createWhatsappSimulator(options: WhatsappSimulatorOptions = {}): WhatsappSimulator {
  const now = options.now ?? ((): Date => new Date());
  const mono = options.mono ?? ((): number => performance.now());
  const traps: WhatsappTraps = { ...defaultTraps(), ...options.traps };
  const limits: WhatsappLimits = { ...defaultLimits(), ...options.limits };
  const [world, ids, refusals, conversations] = [createWorld(), createIds(), new Refusals(), createConversations()];
  const sender = new WebhookSender({ ...options, now, traps });
  const webhooks = createWebhooks({ sender, now });
  const baseUrl = (): string => server.baseUrl;
  const media = createMedia({ ids, now, baseUrl });
  const usage = createUsage(limits, mono);
  const people = { world, ids, media, webhooks, conversations, traps, now };
  const parts: RouteParts = { ...people, refusals, limits, mono, baseUrl, usage };
  const [journal, faults, addresses] = [new Journal(), new Faults(), createAddresses()];
  const { gate } = addresses;
  const server = createSimulatorServer({ routes: createRoutes(parts), journal, faults, gate, now, mono });
  return {
    get baseUrl() {
      return server.baseUrl;
    },
    journal,
    faults,
    refusals,
    traps,
    limits,
    world,
    media,
    sender,
    addresses: addresses.all,
    ...createPopulation({ world, ids, now }),
    ...createTelling(people),
    addPerson: (person) => addPerson(people, person),
    async connect(app, callbackUrl) {
      const result = await handshake(callbackUrl, app.verifyToken);
      if (result.isVerified) app.callbackUrl = callbackUrl;
      return result;
    },
    sentTo: (number, to) => conversations.sentTo(number, to === undefined ? undefined : contactBy(world, number, to)),
    block: (app, waba, minutes) => usage.block(app, waba, minutes),
    together: (work, shape) => webhooks.together(work, shape),
    flush: () => webhooks.flush(),
    start: (port) => server.start(port),
    async stop() {
      await sender.stop();
      await server.stop();
    },
  };
}

const MAX_ADDRESSES = 10_000;
const SECRET_PARAMETERS = ['access_token', 'input_token', 'appsecret_proof'];

/** Remembers what was asked; lets everything pass. */
function createAddresses(): {
  readonly all: readonly string[];
  readonly gate: (request: SimulatorRequest) => undefined;
} {
  const all: string[] = [];
  const gate = ({ path, query }: SimulatorRequest): undefined => {
    const shown = new URLSearchParams(query);
    for (const name of SECRET_PARAMETERS) if (shown.has(name)) shown.set(name, '***');
    all.push(shown.size === 0 ? path : `${path}?${shown.toString()}`);
    if (all.length > MAX_ADDRESSES) all.shift();
  };
  return { all, gate };
}
