// The talks of the demo: Ada has a bot on a simulated Telegram that is asked for updates, Ben a number on a simulated WhatsApp that
// delivers signed webhooks. People write, the users answer, and every word on either side is looked for on the other.

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connectAccount } from '../../src/app/connect.ts';
import { connectorOf } from '../../src/app/connectors.ts';
import { storeWebhookApp } from '../../src/app/webhook-apps.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { PlatformId } from '../../src/core/platforms.ts';
import { Secret } from '../../src/core/secret.ts';
import { queueMessage } from '../../src/messages/queue-message.ts';
import type { User } from '../../src/store/users.ts';
import { UNLIMITED } from '../simulators/telegram/limits.ts';
import { createTelegramSimulator } from '../simulators/telegram/simulator.ts';
import { createWhatsappSimulator } from '../simulators/whatsapp/simulator.ts';
import { waitFor } from '../support/wait.ts';
import { rowsOf } from './observe.ts';
import type { Stage } from './stage.ts';

export interface TalkOutcome {
  readonly user: string;
  readonly platform: PlatformId;
  readonly said: number;
  readonly stored: number;
  readonly sent: number;
  readonly arrived: number;
  readonly differences: readonly string[];
}

/** An account on a platform, and the people on its other side. */
export interface DemoTalk {
  readonly platform: PlatformId;
  readonly credentials: unknown;
  readonly settings: object;
  /** Before anybody writes: how the platform gets to know the installation. */
  prepare(stage: Stage): Promise<void>;
  /** Everybody says something; what was said. */
  say(): Promise<readonly string[]>;
  /** Chats that may be answered, as the account's events name them. */
  readonly chats: readonly string[];
  /** What arrived of the account's own messages. */
  arrived(): readonly string[];
}

export interface TalkPlatforms {
  readonly baseUrls: Readonly<Partial<Record<PlatformId, string>>>;
  readonly talks: readonly DemoTalk[];
  stop(): Promise<void>;
}

const PEOPLE = 12;
const ROUNDS = 10;
const PATIENCE_MS = 60_000;

export async function openTalks(): Promise<TalkPlatforms> {
  const telegram = createTelegramSimulator({
    limits: UNLIMITED,
    traps: { antiHammering: false, smoothConflicts: false },
  });
  const whatsapp = createWhatsappSimulator();
  await Promise.all([telegram.start(), whatsapp.start()]);
  return {
    baseUrls: { telegram: telegram.baseUrl, whatsapp: whatsapp.baseUrl },
    talks: [onTelegram(telegram), onWhatsapp(whatsapp)],
    async stop() {
      await Promise.all([telegram.stop(), whatsapp.stop()]);
    },
  };
}

function onTelegram(sim: ReturnType<typeof createTelegramSimulator>): DemoTalk {
  const bot = sim.addBot({ username: 'tide_demo_bot' });
  const people = Array.from({ length: PEOPLE }, () => sim.addPerson());
  const group = sim.addGroup({ type: 'supergroup', members: people.map(({ user }) => user) });
  return {
    platform: 'telegram',
    credentials: bot.credentials,
    settings: {},
    prepare: () => bot.untilPolling(),
    async say() {
      const said: string[] = [];
      for (let round = 0; round < ROUNDS; round += 1)
        for (const [index, { chat, user }] of people.entries()) {
          const message = bot.say(index % 4 === 0 ? group : chat, {
            text: `draft ${round} of ${user.first_name}`,
            from: user,
          });
          const text = `word ${round} of ${user.first_name}`;
          // A second later, as an edit is.
          bot.edit(message, { text, date: new Date((message.date + 1) * 1_000) });
          said.push(text);
        }
      return said;
    },
    chats: people.map(({ chat }) => String(chat.id)),
    arrived: () => people.flatMap(({ chat }) => sim.sentTo(bot, chat).map(({ text }) => String(text))),
  };
}

function onWhatsapp(sim: ReturnType<typeof createWhatsappSimulator>): DemoTalk {
  const app = sim.addApp();
  const tenant = sim.addTenant();
  const people = Array.from({ length: PEOPLE }, () => sim.addPerson());
  return {
    platform: 'whatsapp',
    credentials: tenant.credentials,
    settings: { waba_id: tenant.waba.id },
    async prepare({ session, config, folder, address }) {
      const file = path.join(folder, 'whatsapp-app.json');
      const secrets = { app_id: app.id, app_secret: app.secret, verify_token: app.verifyToken };
      await writeFile(file, JSON.stringify(secrets), { mode: 0o600 });
      await storeWebhookApp({ api: session.api, config, connector: connectorOf('whatsapp'), file });
      const { isVerified } = await sim.connect(app, `${address}/webhooks/whatsapp/${app.id}`);
      if (!isVerified) throw new Error('the handshake of WhatsApp failed');
    },
    async say() {
      const said: string[] = [];
      for (let round = 0; round < ROUNDS; round += 1)
        await sim.together(() => {
          for (const [index, person] of people.entries()) {
            said.push(`word ${round} of person ${index}`);
            person.says(tenant.number, said.at(-1)!);
          }
        });
      await sim.flush();
      return said;
    },
    chats: people.map((person) => person.waId ?? person.userId(tenant.waba)),
    arrived: () => sim.sentTo(tenant.number).map(({ body }) => textOf(body)),
  };
}

function textOf(body: unknown): string {
  return String((body as { readonly text?: { readonly body?: string } }).text?.body);
}

async function isProven({ session }: Stage, integrationId: string): Promise<boolean> {
  const { rows } = await session.api.tx({ kind: 'ops' }, (tx) =>
    tx.query<{ proven: boolean }>('select account_proven_at is not null as proven from integrations where id = $1', [
      integrationId,
    ]),
  );
  return rows[0]!.proven;
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

/** What is missing on the other side, or too much there. */
function differencesOf(what: string, here: readonly string[], there: readonly string[]): readonly string[] {
  const [a, b] = [here.toSorted(byText), there.toSorted(byText)];
  if (a.join('\n') === b.join('\n')) return [];
  const [left, right] = [new Set(a), new Set(b)];
  const missing = a.filter((text) => !right.has(text)).map((text) => `${what} "${text}" is missing`);
  const more = b.filter((text) => !left.has(text)).map((text) => `${what} "${text}" is too many`);
  return missing.length + more.length === 0
    ? [`${what}: ${a.length} and ${b.length}, some of them twice`]
    : [...missing, ...more].slice(0, 5);
}

/** Connects an account, has everybody write and the user answer, and compares both sides. */
export async function playTalk(stage: Stage, owner: User, name: string, talk: DemoTalk): Promise<TalkOutcome> {
  const { session, config } = stage;
  const connector = connectorOf(talk.platform);
  const { id: integrationId, userId } = await connectAccount({
    api: session.api,
    config,
    connector,
    user: owner,
    schedule: { intervalMinutes: 60 },
    settings: connector.settings.parse(talk.settings),
    credential: new Secret<unknown>(connector.credential.parse(talk.credentials)),
    now: new Date(),
  });
  await waitFor(() => isProven(stage, integrationId), {
    what: `the proof of ${talk.platform}`,
    timeoutMs: PATIENCE_MS,
  });
  await talk.prepare(stage);
  const said = await talk.say();
  const sql = (direction: string): string =>
    `select content from messages where integration_id = '${integrationId}' and direction = '${direction}' and deleted_at is null`;
  const stored = async (): Promise<readonly string[]> =>
    (await rowsOf<{ content: string }>(session, userId, sql('inbound'))).map(({ content }) => content);
  await waitFor(async () => differencesOf('', said, await stored()).length === 0, {
    what: 'what was said',
    timeoutMs: PATIENCE_MS,
  }).catch(() => undefined);
  const answers = talk.chats.map((chat, index) => ({ chat, text: `answer ${index}` }));
  const deps = { queue: session.queue, clock: systemClock, connectorOf };
  for (const { chat, text } of answers) {
    const request = {
      integrationId,
      message: { type: 'text', chat, text } as const,
      allowRepeat: false,
      uniqueKey: null,
      notBefore: null,
    };
    await session.api.tx({ kind: 'ops' }, (tx) => queueMessage(tx, deps, request));
  }
  await waitFor(() => talk.arrived().length >= answers.length, { what: 'answers', timeoutMs: PATIENCE_MS }).catch(
    () => undefined,
  );
  const inbound = await stored();
  const texts = answers.map(({ text }) => text);
  return {
    user: name,
    platform: talk.platform,
    said: said.length,
    stored: inbound.length,
    sent: texts.length,
    arrived: talk.arrived().length,
    differences: [...differencesOf('said', said, inbound), ...differencesOf('answer', texts, talk.arrived())],
  };
}
