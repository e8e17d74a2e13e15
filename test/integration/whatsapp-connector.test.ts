// The WhatsApp connector against a simulated WhatsApp: what streams read is what the platform has, what webhooks tell is what was
// said, and what is sent arrives once.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { outgoingSchema, type Sent } from '../../src/connectors/contract/sending.ts';
import type { EventRecords, InboxEvent } from '../../src/connectors/contract/events.ts';
import type { ReadContext } from '../../src/connectors/contract/stream.ts';
import { parseExactJson } from '../../src/connectors/toolkit/exact-json.ts';
import { whatsapp } from '../../src/connectors/whatsapp/index.ts';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import type { AppError } from '../../src/core/errors.ts';
import type { MessagingAnalyticsRecord } from '../../src/core/records.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { OPEN_GOVERNOR, readPass, rigContext, streamOf, type Pass, type RigOptions } from '../support/connector-rig.ts';
import { webhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';
import { startWhatsapp, WHATSAPP_NOW, type WhatsappWorld } from '../support/whatsapp.ts';
import type { Person } from '../simulators/whatsapp/people.ts';

let world: WhatsappWorld;
let anna: Person;
let callback: WebhookReceiver;

beforeEach(async () => {
  world = await startWhatsapp({ retryDelaysMs: [1] });
  callback = await webhookReceiver(world.app);
  await world.sim.connect(world.app, callback.url);
  anna = world.sim.addPerson({ name: 'Anna', username: 'anna.k' });
});
afterEach(() => world.sim.stop());

const context = (over: Partial<RigOptions> = {}): ReadContext<unknown, unknown> =>
  rigContext({
    connector: whatsapp,
    baseUrl: world.sim.baseUrl,
    credentials: world.tenant.credentials,
    settings: { waba_id: world.tenant.waba.id, app_id: world.app.id },
    now: () => world.now,
    ...over,
  });
const read = (stream: string, over: Parameters<typeof readPass>[2] = {}): Promise<Pass> =>
  readPass(streamOf(whatsapp, stream), context(), over);
const rows = (stream: string, pass: Pass): readonly MessagingAnalyticsRecord[] =>
  [...pass.records.values()].map((raw) => streamOf(whatsapp, stream).parse(raw) as MessagingAnalyticsRecord);

/** Events of all calls so far, as the door would cut them. */
async function told(): Promise<readonly InboxEvent[]> {
  await world.sim.flush();
  return callback.received.flatMap(({ raw }) => whatsapp.webhook!.eventsOf(parseExactJson(raw), world.app.id));
}
const readEvent = (event: InboxEvent): EventRecords =>
  whatsapp.inbox!.read({ ...event, body: JSON.parse(JSON.stringify(event.body)), receivedAt: world.now });
const records = async (): Promise<readonly EventRecords[]> => (await told()).map(readEvent);
const send = async (over: object, settings: Partial<RigOptions> = {}): Promise<Sent> =>
  await whatsapp.sending!.send(
    context(settings),
    outgoingSchema.parse({ ...('type' in over ? {} : { type: 'text', text: 'Hello' }), ...over }),
  );
const failureOf = async (work: Promise<unknown>): Promise<AppError> =>
  await work.then(
    () => expect.fail('expected a failure'),
    (error: unknown) => error as AppError,
  );

describe('the account', () => {
  test('is proven with its account, and says when its token ends', async () => {
    world.tenant.token.expiresAt = new Date('2027-01-01T00:00:00Z');
    expect(await whatsapp.test(context())).toEqual({
      externalAccountId: world.tenant.number.id,
      displayName: world.tenant.number.verifiedName,
      credentialExpiresAt: world.tenant.token.expiresAt,
    });
    world.tenant.token.expiresAt = null;
    expect(await whatsapp.test(context())).not.toHaveProperty('credentialExpiresAt');
  });

  test('of somebody else is refused, whatever the statuses say', async () => {
    const other = world.sim.addTenant();
    for (const httpStatus of ['openapi', 'always_400', 'swapped'] as const) {
      world.sim.traps.httpStatus = httpStatus;
      const foreign = await failureOf(whatsapp.test(context({ settings: { waba_id: other.waba.id } })));
      expect(foreign).toMatchObject({ details: { code: 100, subcode: 33 } });
      world.tenant.token.revoked = 460;
      expect(await failureOf(whatsapp.test(context()))).toMatchObject({ code: 'platform.unauthorized' });
      world.tenant.token.revoked = null;
    }
    expect(JSON.stringify(world.sim.addresses)).not.toContain(world.tenant.token.value);
  });
});

describe('lists', () => {
  test('numbers and templates are read whole, whatever pages look like', async () => {
    const { sim, tenant } = world;
    const extra = Array.from({ length: 230 }, () => sim.addNumber(tenant.waba));
    const templates = ['en_US', 'de'].map((language) => sim.addTemplate(tenant.waba, { name: 'hello', language }));
    sim.traps.nextCarriesToken = true;
    sim.traps.hidden = new Set(extra.slice(99, 199).map(({ id }) => id));
    const numbers = await read('phone_numbers');
    const seen = [tenant.number, ...extra].map(({ id }) => id).filter((id) => !sim.traps.hidden.has(id));
    expect([...numbers.records.keys()]).toEqual(seen);
    expect(JSON.stringify(numbers.pages)).not.toContain(tenant.token.value);
    expect([...(await read('templates')).records.keys()]).toEqual(templates.map(({ id }) => id));
    sim.traps.cursorRepeats = true;
    const endless = await read('phone_numbers');
    expect(endless.problems).toHaveLength(1);
    expect(endless.pages.some(({ mode }) => mode.kind === 'scope' && mode.close)).toBe(false);
  });
});

describe('reports', () => {
  const at = (daysAgo: number): Date => new Date(WHATSAPP_NOW.getTime() - daysAgo * DAY_MS);

  test('every figure of a year is read once, and late ones in the next pass', async () => {
    const { waba, number } = world.tenant;
    const fact = { phoneNumber: number.digits, country: 'US', type: 'REGULAR', category: 'UTILITY', tier: null };
    for (const daysAgo of [0, 1, 2, 29, 30, 31, 60, 200, 363]) {
      waba.figures.pricing.push({ ...fact, at: at(daysAgo), volume: 1, cost: 0.5 });
      waba.figures.messaging.push({ ...fact, at: at(daysAgo), sent: 2, delivered: 1 });
      const conversation = { type: 'REGULAR', category: 'UTILITY', direction: 'USER_INITIATED' } as const;
      waba.figures.conversations.push({ ...fact, ...conversation, at: at(daysAgo), conversations: 3, cost: 1 });
    }
    const first = await read('pricing_analytics');
    const pricing = rows('pricing_analytics', first);
    expect(pricing.map(({ counts, cost, currency }) => [counts['volume'], cost, currency])).toEqual(
      Array.from({ length: 9 }, () => [1, '0.5', 'USD']),
    );
    for (const stream of ['messaging_analytics', 'conversation_analytics'])
      expect(rows(stream, await read(stream))).toHaveLength(9);
    waba.figures.pricing.push({ ...fact, at: at(2), volume: 4, cost: 2 });
    world.pass(HOUR_MS);
    const second = rows('pricing_analytics', await read('pricing_analytics', { cursor: first.cursor }));
    const late = second.find(({ counts }) => counts['volume'] === 5);
    expect(pricing.map(({ pointKey }) => pointKey)).toContain(late?.pointKey);
  });

  test('templates: 90 days, ten a request, pages by cursor', async () => {
    const { sim, tenant } = world;
    const templates = Array.from({ length: 12 }, (_, index) => sim.addTemplate(tenant.waba, { name: `t${index}` }));
    const none = { delivered: 0, read: 0, clicked: [], cost: [] };
    for (const { id } of templates)
      for (const daysAgo of [1, 40, 88]) {
        tenant.waba.figures.templates.push({ ...none, at: at(daysAgo), templateId: id, sent: 1 });
      }
    sim.traps.templatePointsPerPage = 3;
    expect(rows('template_analytics', await read('template_analytics'))).toHaveLength(36);
    sim.traps.emptyReportsLeftOut = true;
    expect(rows('template_analytics', await read('template_analytics'))).toHaveLength(36);
  });

  test('a blocked account waits for the minutes that it is told', async () => {
    world.sim.block(world.app, world.tenant.waba, 17);
    const error = await failureOf(read('phone_numbers'));
    expect(error).toMatchObject({
      code: 'platform.rate_limited',
      retryAfterMs: 17 * 60_000,
      details: { code: 80_007 },
    });
  });

  test('calls slow down before the platform refuses any', async () => {
    world.sim.limits.accountCallsWithNumber = 20;
    const governor = createMemoryGovernor({ clock: { now: () => world.now } });
    const one = (): Promise<Pass> => readPass(streamOf(whatsapp, 'phone_numbers'), context({ governor }));
    let waits = 0;
    for (let call = 0; call < 40; call += 1) {
      const waitMs = await one().then(
        () => 0,
        (error: AppError) => error.retryAfterMs!,
      );
      if (waitMs > 0) waits += 1;
      // A wait of less than two seconds would be slept.
      world.pass(Math.max(waitMs, 3_000));
    }
    expect(waits).toBeGreaterThan(0);
    expect(world.sim.journal.entries.every(({ status }) => status === 200)).toBe(true);
  });
});

describe('webhooks', () => {
  test('what people say becomes messages of their chats, each once', async () => {
    const { sim, tenant } = world;
    const hidden = sim.addPerson({ name: 'Boris', waId: null });
    sim.traps.duplicates = 2;
    await sim.together(() => {
      anna.says(tenant.number, 'Grüß 👍');
      anna.says(tenant.number, { type: 'image', caption: 'us' });
      hidden.says(tenant.number, { type: 'location', latitude: 1, longitude: 2, name: 'Café' });
    });
    const events = await told();
    expect(callback.received.every(({ isSigned }) => isSigned)).toBe(true);
    expect(new Set(events.map(({ eventKey }) => eventKey)).size).toBe(3);
    expect(events).toHaveLength(9);
    const said = events.slice(0, 3).map(readEvent);
    expect(said.map(({ messages }) => [messages?.[0]?.chatKey, messages?.[0]?.content])).toEqual([
      [anna.waId, 'Grüß 👍'],
      [anna.waId, 'us'],
      [hidden.userId(tenant.waba), 'Café'],
    ]);
    expect(said.map(({ conversations }) => conversations?.[0]?.title)).toEqual(['Anna', 'Anna', 'Boris']);
  });

  test('whoever changes the number goes on in one chat, with a number or without', async () => {
    const { number, waba } = world.tenant;
    const [oldNumber, oldId] = [anna.waId!, anna.userId(waba)];
    anna.changesNumber('12195555358', number);
    const hidden = world.sim.addPerson({ waId: null });
    const before = hidden.userId(waba);
    hidden.changesNumber(null, number);
    const [first, second] = await records();
    expect(first?.migrations).toMatchObject([{ fromChatKey: oldNumber, toChatKey: '12195555358' }]);
    expect(second?.migrations).toMatchObject([{ fromChatKey: before, toChatKey: hidden.userId(waba) }]);
    expect(oldId).not.toBe(anna.userId(waba));
  });

  test('history: every message of 180 days once, in any order, with its direction; files follow', async () => {
    const { sim, tenant } = world;
    const hidden = sim.addPerson({ waId: null, username: 'boris' });
    const ago = (days: number): Date => new Date(world.now.getTime() - days * DAY_MS);
    const talk = (person: Person) => ({
      person,
      messages: [
        { by: 'person', said: 'hi', at: ago(0.5), id: `wamid.${person.key}.a` },
        { by: 'business', said: { type: 'image' }, at: ago(3), id: `wamid.${person.key}.b` },
        { by: 'business', said: 'old', at: ago(100), status: 'DELIVERED', id: `wamid.${person.key}.c` },
        { by: 'person', said: 'too old', at: ago(190) },
      ] as const,
    });
    sim.shareHistory(tenant.number, [talk(anna), talk(hidden)], { chunkSize: 2, order: 'reversed' });
    sim.declineHistory(tenant.number);
    const all = await records();
    const messages = all.flatMap(({ messages: some = [] }) => some);
    for (const [person, chatKey] of [
      [anna, anna.waId],
      [hidden, hidden.userId(tenant.waba)],
    ] as const) {
      const own = messages.filter(({ platformMessageId }) => platformMessageId.startsWith(`wamid.${person.key}.`));
      expect(new Set(own.map((message) => message.chatKey))).toEqual(new Set([chatKey]));
      const directions = new Map(own.map(({ platformMessageId, direction }) => [platformMessageId.at(-1), direction]));
      expect(Object.fromEntries(directions)).toEqual({ a: 'inbound', b: 'outbound', c: 'outbound' });
      expect(own.some(({ attachments }) => attachments.length === 1)).toBe(true);
    }
    expect(messages).toHaveLength(8);
    expect(JSON.stringify(all)).toContain('2593109');
    const names = all.flatMap(({ conversations = [] }) => conversations).map(({ details }) => details['username']);
    expect(names).toContain('boris');
  });

  test('the owner’s phone and the account tell of themselves', async () => {
    const { sim, tenant } = world;
    const id = sim.echo(tenant.number, anna, 'from my phone');
    sim.phoneContacts(tenant.number, [anna, sim.addPerson({ waId: null })]);
    sim.templateStatus(sim.addTemplate(tenant.waba, { name: 'hello' }), 'PAUSED');
    sim.tell(tenant.number, 'a_field_of_2027', { value: 1 });
    const events = await told();
    const [echo, ...others] = events.map(readEvent);
    expect(echo?.messages).toMatchObject([{ platformMessageId: id, direction: 'outbound', chatKey: anna.waId }]);
    expect(others.flatMap(({ events: some = [] }) => some).map(({ kind }) => kind)).toEqual([
      'smb_app_state_sync',
      'smb_app_state_sync',
      'message_template_status_update',
      'a_field_of_2027',
    ]);
    expect(events.map(({ accountId }) => accountId).slice(3)).toEqual([`waba:${tenant.waba.id}`, tenant.number.id]);
  });
});

describe('sending', () => {
  test('a message arrives once, and its statuses are of it, in whatever order they come', async () => {
    const { sim, tenant } = world;
    anna.says(tenant.number, 'hi');
    sim.traps.statusesOnSend = ['read', 'delivered', 'sent'];
    const sent = await send({ chat: anna.waId });
    expect(sim.sentTo(tenant.number, anna).map(({ id }) => id)).toEqual([sent.platformMessageId]);
    const statuses = (await records()).flatMap(({ statuses: some = [] }) => some);
    expect(statuses.map(({ status }) => status)).toEqual(['read', 'delivered', 'sent']);
    expect(new Set(statuses.map(({ platformMessageId }) => platformMessageId))).toEqual(
      new Set([sent.platformMessageId]),
    );
  });

  test('the chat is the person’s, whether he is dialled in the old way or named by his user id', async () => {
    const { sim, tenant } = world;
    const joao = sim.addPerson({ waId: '551187654321', dialled: ['5511987654321'] });
    const hidden = sim.addPerson({ waId: null });
    for (const person of [joao, hidden]) person.says(tenant.number, 'hi');
    expect((await send({ chat: '+5511987654321' })).chatKey).toBe(joao.waId);
    expect((await send({ chat: hidden.userId(tenant.waba) })).chatKey).toBe(hidden.userId(tenant.waba));
  });

  test('buttons, files and templates are taken', async () => {
    const { sim, tenant } = world;
    sim.addTemplate(tenant.waba, { name: 'hello', components: [{ type: 'BODY', text: 'Hi {{1}}' }] });
    anna.says(tenant.number, 'hi');
    const chat = anna.waId;
    await send({ chat, keyboard: [[{ text: 'Yes', data: 'yes' }]] });
    await send({ chat, keyboard: [[{ text: 'Shop', url: 'https://example.com' }]] });
    await send({
      chat,
      type: 'media',
      media: 'photo',
      link: 'https://example.com/a.jpg',
      caption: 'A',
    });
    const components = [{ type: 'body', parameters: [{ type: 'text', text: 'Anna' }] }];
    await send({ chat, type: 'template', template: 'hello', language: 'en_US', components });
    expect(sim.sentTo(tenant.number, anna).map(({ type }) => type)).toEqual([
      'interactive',
      'interactive',
      'image',
      'template',
    ]);
  });

  test.each(['openapi', 'always_400', 'swapped'] as const)('refusals say what they are (%s)', async (httpStatus) => {
    const { sim } = world;
    sim.traps.httpStatus = httpStatus;
    const chat = anna.waId;
    const code = async (over: object = {}): Promise<string> => (await failureOf(send({ chat, ...over }))).code;
    expect(await code()).toBe('message.window_closed');
    expect(await code({ type: 'template', template: 'none', language: 'en_US' })).toBe('message.template_refused');
    anna.isReachable = false;
    expect(await code()).toBe('message.recipient_unreachable');
    sim.refusals.add({ code: 131_048, edge: 'messages' });
    expect(await code()).toBe('platform.rate_limited');
    sim.refusals.add({ code: 131_031, edge: 'messages' });
    expect(await code()).toBe('platform.blocked');
    world.tenant.token.scopes = [];
    expect(await code()).toBe('platform.scope_missing');
    world.tenant.token.revoked = 467;
    expect(await code()).toBe('platform.unauthorized');
  });

  test('our own bucket keeps the pair limit: so the platform refuses none', async () => {
    anna.says(world.tenant.number, 'hi');
    const governor = createMemoryGovernor({ clock: { now: () => world.now } });
    const sent: string[] = [];
    for (let count = 0; count < 60; count += 1) {
      const failure = await send({ chat: anna.waId }, { governor }).then(
        ({ platformMessageId }) => void sent.push(platformMessageId),
        (error: AppError) => error,
      );
      // The platform was not asked.
      if (failure !== undefined) expect(failure.details).not.toHaveProperty('code');
      world.pass(failure?.retryAfterMs ?? 20);
    }
    expect(sent.length).toBeGreaterThan(40);
    expect(world.sim.sentTo(world.tenant.number, anna)).toHaveLength(sent.length);
  });

  test('without our bucket the platform says it, and how long to wait', async () => {
    anna.says(world.tenant.number, 'hi');
    for (let count = 0; count < 45; count += 1) await send({ chat: anna.waId }, { governor: OPEN_GOVERNOR });
    expect(await failureOf(send({ chat: anna.waId }))).toMatchObject({
      code: 'platform.rate_limited',
      retryAfterMs: 1_000,
      details: { code: 131_056 },
    });
  });
});
