// A town that talks to a bot, made up at random: people, groups, channels and a business, in which things happen as they do in
// a real one. The same seed gives the same town.

import type { Random } from '../random.ts';
import type { TelegramBot } from './bot-handle.ts';
import type { Person } from './directory.ts';
import type { BusinessConnection, TelegramChat, TelegramMessage } from './model.ts';
import type { TelegramSimulator } from './simulator.ts';

interface Streets {
  readonly sim: TelegramSimulator;
  readonly bot: TelegramBot;
  readonly random: Random;
  readonly people: Person[];
  readonly groups: TelegramChat[];
  readonly channels: TelegramChat[];
  readonly businesses: BusinessConnection[];
  /** What was said lately and may be edited or answered. */
  readonly said: TelegramMessage[];
}

const TEXTS = [
  'Hello',
  'Is the logo ready?',
  'Thanks! 🦊',
  'See you on Monday',
  'The invoice is attached',
  'Good morning',
];
const MEMORY = 200;

function remember({ said }: Streets, ...messages: readonly TelegramMessage[]): void {
  said.push(...messages);
  said.splice(0, said.length - MEMORY);
}

function arrive({ sim, people }: Streets): void {
  people.push(sim.addPerson());
}

function gather({ sim, random, people, groups }: Streets): void {
  const members = random.sample(people, 3).map(({ user }) => user);
  groups.push(sim.addGroup({ type: random.pick(['group', 'supergroup'] as const), members }));
}

function write(town: Streets): void {
  const { bot, random, people } = town;
  remember(town, bot.say(random.pick(people).chat, { text: random.pick(TEXTS) }));
}

function chat(town: Streets): void {
  const { bot, random, groups, people } = town;
  remember(town, bot.say(random.pick(groups), { text: random.pick(TEXTS), from: random.pick(people).user }));
}

function publish(town: Streets): void {
  remember(town, town.bot.say(town.random.pick(town.channels), { text: town.random.pick(TEXTS) }));
}

function share(town: Streets): void {
  const { bot, random, people } = town;
  const { chat: to } = random.pick(people);
  if (random.chance(0.4)) return remember(town, ...bot.album(to, random.int(2, 4)));
  const kind = random.pick(['document', 'photo', 'voice', 'video', 'sticker'] as const);
  remember(town, bot.say(to, { with: bot.media(kind) }));
}

function answer(town: Streets): void {
  const { bot, random, said } = town;
  const message = random.pick(said);
  if (message.business_connection_id !== undefined) return;
  const { reply_to_message: _deeper, ...shallow } = message;
  remember(town, bot.say(message.chat, { text: random.pick(TEXTS), with: { reply_to_message: shallow } }));
}

function correct({ bot, random, said }: Streets): void {
  const index = random.int(0, said.length - 1);
  said[index] = bot.edit(said[index]!, { text: `${random.pick(TEXTS)} (edited)` });
}

function press({ bot, random, said, people }: Streets): void {
  const message = random.pick(said);
  if (message.business_connection_id === undefined)
    bot.press(message, { from: random.pick(people).user, data: random.pick(['yes', 'no']) });
}

function moveHouse({ bot, random, groups, people }: Streets): void {
  const group = random.pick(groups);
  const { user } = random.pick(people);
  if (random.chance(0.5)) bot.join(group, user);
  else bot.leave(group, user);
}

function growUp({ bot, random, groups }: Streets): void {
  const index = groups.findIndex(({ type }) => type === 'group');
  if (index === -1 || random.chance(0.5)) return;
  groups[index] = bot.migrate(groups[index]!, random.pick(['old first', 'new first'] as const)).supergroup;
}

function trade(town: Streets): void {
  const { bot, random, businesses, people } = town;
  const connection = random.pick(businesses);
  const client = random.pick(people.filter(({ user }) => user.id !== connection.user.id));
  const from = random.chance(0.4) ? { from: connection.user } : {};
  const message = bot.businessSay(connection, client, { text: random.pick(TEXTS), ...from });
  if (random.chance(0.1)) bot.businessDelete(connection, client, [message.message_id]);
  else remember(town, message);
}

const OFTEN = [write, write, chat, trade];
const HAPPENINGS: readonly ((town: Streets) => void)[] = [
  ...OFTEN,
  ...OFTEN,
  share,
  answer,
  correct,
  publish,
  press,
  moveHouse,
  arrive,
  gather,
  growUp,
];

export interface Town {
  /** So many things happen. */
  change(times: number): void;
}

export interface TownOptions {
  readonly sim: TelegramSimulator;
  readonly bot: TelegramBot;
  readonly random: Random;
  /** Default 4. */
  readonly people?: number;
}

/** A town in which everybody has said hello. */
export function openTown({ sim, bot, random, people: count = 4 }: TownOptions): Town {
  const people = Array.from({ length: Math.max(2, count) }, () => sim.addPerson());
  const town: Streets = {
    sim,
    bot,
    random,
    people,
    groups: [],
    channels: [sim.addGroup({ type: 'channel' })],
    businesses: [bot.businessConnect(people[0]!)],
    said: people.map(({ chat }) => bot.say(chat, { text: '/start' })),
  };
  gather(town);
  return {
    change(times) {
      for (let n = 0; n < times; n += 1) random.pick(HAPPENINGS)(town);
    },
  };
}
