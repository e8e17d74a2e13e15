// Messages sent through the simulated WhatsApp are accepted and refused as the fact sheet of the platform says.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Person } from '../simulators/whatsapp/people.ts';
import { startWhatsapp, type GraphAnswer, type WhatsappWorld } from '../support/whatsapp.ts';
import { webhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let world: WhatsappWorld;
let person: Person;
let callback: WebhookReceiver;
beforeEach(async () => {
  world = await startWhatsapp();
  callback = await webhookReceiver(world.app);
  await world.sim.connect(world.app, callback.url);
  person = world.sim.addPerson({ name: 'Ada' });
  person.says(world.tenant.number, 'hello');
});
afterEach(() => world.sim.stop());

const send = (message: object, to: object = { to: person.waId }): Promise<GraphAnswer> =>
  world.post(`${world.tenant.number.id}/messages`, { messaging_product: 'whatsapp', ...to, ...message });
const text = { type: 'text', text: { body: 'hi' } };
const sent = (to?: Person): readonly Record<string, unknown>[] =>
  world.sim.sentTo(world.tenant.number, to).map(({ body }) => body);
const idOf = ({ body }: GraphAnswer): string => (body['messages'] as { id: string }[])[0]!.id;

describe('what is accepted', () => {
  it.for([
    ['text', text],
    ['image', { type: 'image', image: { link: 'https://example.com/a.jpg', caption: 'look' } }],
    ['document', { type: 'document', document: { link: 'https://example.com/a.pdf', filename: 'a.pdf' } }],
    ['reaction', { type: 'reaction', reaction: { message_id: 'wamid.x', emoji: '👍' } }],
    [
      'buttons',
      {
        type: 'interactive',
        interactive: {
          type: 'button',
          body: { text: 'Sure?' },
          action: { buttons: [{ type: 'reply', reply: { id: 'yes', title: 'Yes' } }] },
        },
      },
    ],
    [
      'a list',
      {
        type: 'interactive',
        interactive: {
          type: 'list',
          body: { text: 'Which?' },
          action: { button: 'Choose', sections: [{ title: 'All', rows: [{ id: '1', title: 'One' }] }] },
        },
      },
    ],
    [
      'a link',
      {
        type: 'interactive',
        interactive: {
          type: 'cta_url',
          body: { text: 'See' },
          action: { name: 'cta_url', parameters: { display_text: 'Open', url: 'https://example.com' } },
        },
      },
    ],
  ] as const)('%s', async ([, message]) => {
    const answer = await send(message);
    expect(answer).toMatchObject({ status: 200, body: { messaging_product: 'whatsapp' } });
    expect(answer.body['contacts']).toEqual([{ input: person.waId, wa_id: person.waId }]);
    expect(idOf(answer)).toMatch(/^wamid\./);
    expect(sent(person)).toMatchObject([message]);
  });

  it('a number in any spelling, and the platform answers with its own', async () => {
    const brazilian = world.sim.addPerson({ waId: '551187654321', dialled: ['5511987654321'], country: 'BR' });
    brazilian.says(world.tenant.number, 'oi');
    const { body } = await send(text, { to: '+55 11 98765-4321' });
    expect(body['contacts']).toEqual([{ input: '+55 11 98765-4321', wa_id: '551187654321' }]);
  });

  it('a user id in place of a number that is hidden', async () => {
    const hidden = world.sim.addPerson({ waId: null, username: 'ada' });
    hidden.says(world.tenant.number, 'hello');
    const recipient = hidden.userId(world.tenant.waba);
    const { body } = await send(text, { recipient });
    expect(recipient).toMatch(/^US\.\d{20}$/);
    expect(body['contacts']).toEqual([{ input: recipient, user_id: recipient }]);
    expect(world.sim.sentTo(world.tenant.number, recipient)).toHaveLength(1);
  });

  it('the mark that a message was read', async () => {
    const path = `${world.tenant.number.id}/messages`;
    const mark = { messaging_product: 'whatsapp', status: 'read', message_id: 'wamid.x' };
    expect((await world.post(path, mark)).body).toEqual({ success: true });
    expect(sent()).toEqual([]);
  });
});

describe('what is no message', () => {
  it.for([
    ['without a product', { messaging_product: undefined, ...text }, 131_008],
    ['of a type that is not known', { type: 'hologram', hologram: {} }, 131_051],
    ['without a text', { type: 'text', text: {} }, 131_008],
    ['with a text of 4,097 signs', { type: 'text', text: { body: 'x'.repeat(4_097) } }, 131_009],
    ['with both link and id', { type: 'image', image: { link: 'https://a.b', id: '1' } }, 131_009],
    [
      'with a button of 21 signs',
      {
        type: 'interactive',
        interactive: {
          type: 'button',
          body: { text: 'a' },
          action: { buttons: [{ type: 'reply', reply: { id: '1', title: 'x'.repeat(21) } }] },
        },
      },
      131_009,
    ],
  ] as const)('%s', async ([, message, code]) => {
    expect((await send(message)).error).toMatchObject({ code, error_data: { messaging_product: 'whatsapp' } });
    expect(sent()).toEqual([]);
  });
});

describe('templates', () => {
  const template = (name: string, code: string, parameters?: readonly unknown[]): object => ({
    type: 'template',
    template: {
      name,
      language: { code },
      ...(parameters === undefined ? {} : { components: [{ type: 'body', parameters }] }),
    },
  });

  it('open a talk that nobody began', async () => {
    const stranger = world.sim.addPerson();
    world.sim.addTemplate(world.tenant.waba, { name: 'greeting' });
    expect((await send(template('greeting', 'en_US'), { to: stranger.waId })).status).toBe(200);
  });

  it('are missing in a language with 132001, whatever other languages have', async () => {
    world.sim.addTemplate(world.tenant.waba, { name: 'greeting', language: 'en_US' });
    expect((await send(template('greeting', 'de'))).error).toMatchObject({ code: 132_001 });
  });

  it.for([
    ['PAUSED', 132_015],
    ['DISABLED', 132_016],
    ['PENDING', 132_001],
  ] as const)('that are %s are refused with %i', async ([status, code]) => {
    world.sim.addTemplate(world.tenant.waba, { name: 'greeting', status });
    expect((await send(template('greeting', 'en_US'))).error['code']).toBe(code);
  });

  it('want as many parameters as they have places', async () => {
    const components = [{ type: 'BODY', text: 'Hi {{1}}, {{2}}' }];
    world.sim.addTemplate(world.tenant.waba, { name: 'bill', components });
    const parameter = { type: 'text', text: 'x' };
    expect((await send(template('bill', 'en_US', [parameter]))).error['code']).toBe(132_000);
    expect((await send(template('bill', 'en_US', [parameter, parameter]))).status).toBe(200);
  });
});

describe('the 24 hours', () => {
  it('close after the last message of the person, with 131047', async () => {
    world.pass(24 * HOUR_MS - 1);
    expect((await send(text)).status).toBe(200);
    world.pass(1);
    expect((await send(text)).error).toMatchObject({ code: 131_047 });
    person.says(world.tenant.number, 'still there?');
    expect((await send(text)).status).toBe(200);
  });

  it('are open with one number of a business and closed with another', async () => {
    const other = world.sim.addNumber(world.tenant.waba);
    const answer = await world.post(`${other.id}/messages`, {
      messaging_product: 'whatsapp',
      to: person.waId,
      ...text,
    });
    expect(answer.error['code']).toBe(131_047);
  });

  it('may close by a failed status of a message that was accepted', async () => {
    world.sim.traps.refusedLater = new Set([131_047]);
    world.pass(24 * HOUR_MS);
    const answer = await send(text);
    await world.sim.flush();
    expect(answer.status).toBe(200);
    expect(callback.all('statuses')).toMatchObject([
      { id: idOf(answer), status: 'failed', errors: [{ code: 131_047 }] },
    ]);
  });
});

describe('limits', () => {
  it('of a pair: 45 at once, then one in six seconds, else 131056', async () => {
    for (let count = 0; count < 45; count++) expect((await send(text)).status).toBe(200);
    expect((await send(text)).error).toMatchObject({ code: 131_056 });
    world.pass(6_000);
    expect((await send(text)).status).toBe(200);
    expect((await send(text)).error).toMatchObject({ code: 131_056 });
  });

  it('of a pair leave other people alone', async () => {
    world.sim.limits.pair = { perSecond: 1 / 6, burst: 1 };
    const other = world.sim.addPerson();
    other.says(world.tenant.number, 'hello');
    await send(text);
    expect((await send(text)).error['code']).toBe(131_056);
    expect((await send(text, { to: other.waId })).status).toBe(200);
  });

  it('of a number: so many messages a second, else 130429', async () => {
    world.tenant.number.throughput = 2;
    await send(text);
    await send(text);
    expect((await send(text)).error).toMatchObject({ code: 130_429 });
    world.pass(500);
    expect((await send(text)).status).toBe(200);
  });

  it("do not take from the account's budget of calls", async () => {
    world.sim.limits.accountCallsWithNumber = 1;
    await send(text);
    await send(text);
    expect((await world.get(world.tenant.waba.id)).status).toBe(200);
    expect((await world.get(world.tenant.waba.id)).error['code']).toBe(80_007);
    expect((await send(text)).status).toBe(200);
  });
});

describe('refusals', () => {
  it('of people that cannot be reached, or are nobody: 131026', async () => {
    person.isReachable = false;
    expect((await send(text)).error['code']).toBe(131_026);
    expect((await send(text, { to: '19999999999' })).error['code']).toBe(131_026);
  });

  it('by order, for one recipient', async () => {
    const other = world.sim.addPerson();
    other.says(world.tenant.number, 'hello');
    world.sim.refusals.add({ code: 131_048, recipient: other.waId!, details: 'spam', times: 1 });
    expect((await send(text)).status).toBe(200);
    expect((await send(text, { to: other.waId })).error).toMatchObject({
      code: 131_048,
      error_data: { messaging_product: 'whatsapp', details: 'spam' },
    });
    expect((await send(text, { to: other.waId })).status).toBe(200);
  });

  it('of a token without the scope', async () => {
    world.tenant.token.scopes = ['whatsapp_business_management'];
    expect((await send(text)).error['code']).toBe(200);
  });
});

describe('an answer that is lost', () => {
  it('after the acceptance: whoever sends again sends twice', async () => {
    world.sim.faults.add({ match: { operation: 'messages' }, fault: { kind: 'reset-after-processing' } });
    await expect(send(text)).rejects.toThrow('fetch failed');
    await send(text);
    expect(world.sim.sentTo(world.tenant.number, person)).toHaveLength(2);
    expect(world.sim.journal.entries.map(({ status }) => status)).toEqual([0, 200]);
  });

  it('before it: nothing was sent', async () => {
    world.sim.faults.add({ match: { operation: 'messages' }, fault: { kind: 'reset' } });
    await expect(send(text)).rejects.toThrow('fetch failed');
    expect(sent(person)).toEqual([]);
  });
});

describe('statuses', () => {
  it('come as they are told, with conversation and price', async () => {
    const id = idOf(await send({ ...text, biz_opaque_callback_data: 'order-7' }));
    for (const status of ['sent', 'delivered', 'read'] as const) world.sim.status(id, status);
    await world.sim.flush();
    const statuses = callback.all('statuses');
    expect(statuses.map(({ status }) => status)).toEqual(['sent', 'delivered', 'read']);
    expect(statuses[0]).toMatchObject({
      id,
      recipient_id: person.waId,
      recipient_user_id: person.userId(world.tenant.waba),
      timestamp: String(world.now.getTime() / 1_000),
      conversation: { expiration_timestamp: String(world.now.getTime() / 1_000 + 86_400) },
      pricing: { billable: false, pricing_model: 'PMP', category: 'service' },
      biz_opaque_callback_data: 'order-7',
    });
    expect(statuses[1]!['conversation']).not.toHaveProperty('expiration_timestamp');
    world.sim.traps.withConversation = false;
    world.sim.status(id, 'read');
    await world.sim.flush();
    expect(callback.all('statuses').at(-1)).not.toHaveProperty('conversation');
  });

  it('that failed name no user id', async () => {
    const id = idOf(await send(text));
    world.sim.status(id, 'failed', { code: 131_026 });
    await world.sim.flush();
    const { value } = callback.changes().at(-1)!;
    expect(value).not.toHaveProperty('contacts');
    expect(value['statuses']).toEqual([
      expect.objectContaining({ status: 'failed', errors: [expect.objectContaining({ code: 131_026 })] }),
    ]);
    expect(JSON.stringify(value)).not.toContain('user_id');
  });

  it('come by themselves and in disorder: read before sent, and no delivered', async () => {
    world.sim.traps.statusesOnSend = ['read', 'sent'];
    await send(text);
    await world.sim.flush();
    expect(callback.all('statuses').map(({ status }) => status)).toEqual(['read', 'sent']);
  });

  it('may arrive before the answer of the sending', async () => {
    world.sim.traps.statusesOnSend = ['sent'];
    world.sim.traps.statusesBeforeAnswer = true;
    const id = idOf(await send(text));
    expect(callback.all('statuses')).toMatchObject([{ id, status: 'sent' }]);
  });
});

it('lets time pass for buckets and the 24 hours alike', async () => {
  world.now = new Date(world.now.getTime() + MINUTE_MS);
  expect((await send(text)).status).toBe(200);
  expect(world.sim.sentTo(world.tenant.number)[0]!.at).toEqual(world.now);
});
