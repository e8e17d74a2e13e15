// Webhooks of the simulated WhatsApp: signed, batched, repeated and told in disorder as the fact sheet of the platform says.

import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/duration.ts';
import type { Person } from '../simulators/whatsapp/people.ts';
import type { Said } from '../simulators/whatsapp/said.ts';
import { serve } from '../support/loopback.ts';
import { startWhatsapp, type WhatsappWorld } from '../support/whatsapp.ts';
import { webhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

let world: WhatsappWorld;
let person: Person;
let callback: WebhookReceiver;
beforeEach(async () => {
  world = await startWhatsapp({ retryDelaysMs: [1, 1, 1] });
  callback = await webhookReceiver(world.app);
  await world.sim.connect(world.app, callback.url);
  person = world.sim.addPerson({ name: 'Ada' });
});
afterEach(() => world.sim.stop());

const says = async (...said: readonly (Said | string)[]): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  for (const one of said) person.says(world.tenant.number, one);
  await world.sim.flush();
  return callback.all('messages');
};

describe('the handshake', () => {
  it('wants the challenge back, without a signature', async () => {
    const result = await world.sim.connect(world.app, callback.url);
    expect(result).toMatchObject({ isVerified: true, status: 200 });
  });

  it('fails for a wrong verify token, and nothing goes there', async () => {
    const other = await webhookReceiver({ ...world.app, verifyToken: 'another' });
    expect(await world.sim.connect(world.app, other.url)).toMatchObject({ isVerified: false, status: 403 });
    expect(world.app.callbackUrl).toBe(callback.url);
  });

  it('takes the challenge as it is, and no JSON of it', async () => {
    const { origin } = await serve((response, { url }) => {
      const challenge = new URL(url, 'http://callback').searchParams.get('hub.challenge');
      response.writeHead(200).end(JSON.stringify(challenge));
    });
    expect(await world.sim.connect(world.app, origin)).toMatchObject({ isVerified: false, status: 200 });
  });

  it('comes before an address of an account of its own', async () => {
    const own = await webhookReceiver({ ...world.app, verifyToken: 'own' });
    const path = `${world.tenant.waba.id}/subscribed_apps`;
    const refused = await world.post(path, { override_callback_uri: own.url, verify_token: 'wrong' });
    expect(refused.error['code']).toBe(2_200);
    const taken = await world.post(path, { override_callback_uri: own.url, verify_token: 'own' });
    expect(taken.body).toEqual({ success: true });
    await says('hello');
    expect([own.received.length, callback.received.length]).toEqual([1, 0]);
  });
});

describe('the signature', () => {
  it('is the HMAC of the raw bytes under the app secret', async () => {
    await says('hello');
    const { headers, raw } = callback.received[0]!;
    const right = createHmac('sha256', world.app.secret).update(Buffer.from(raw)).digest('hex');
    expect(headers['x-hub-signature-256']).toBe(`sha256=${right}`);
    expect(callback.received[0]!.isSigned).toBe(true);
  });

  it('does not fit JSON that was written again: emoji, umlauts, slashes and @ are escaped', async () => {
    const said = 'äöå 👍 a/b <c> 5% me@example.com';
    const [message] = await says(said);
    const { raw } = callback.received[0]!;
    expect(message!['text']).toEqual({ body: said });
    expect(raw).toContain(String.raw`\u00e4\u00f6\u00e5 \ud83d\udc4d a\/b \u003Cc> 5\u0025 me\u0040example.com`);
    expect(raw).toMatch(/^[\u0020-\u007e]*$/);
    const again = Buffer.from(JSON.stringify(JSON.parse(raw)));
    const forged = `sha256=${createHmac('sha256', world.app.secret).update(again).digest('hex')}`;
    expect(callback.received[0]!.headers['x-hub-signature-256']).not.toBe(forged);
  });

  it('is another one for another app that listens to the same account', async () => {
    const second = world.sim.addApp();
    const other = await webhookReceiver(second);
    await world.sim.connect(second, other.url);
    world.tenant.waba.subscriptions.push({ app: second, callbackUrl: null });
    await says('hello');
    const signatures = [callback, other].map(({ received }) => received[0]!.headers['x-hub-signature-256']);
    expect([callback.received[0]!.isSigned, other.received[0]!.isSigned]).toEqual([true, true]);
    expect(new Set(signatures).size).toBe(2);
  });

  it.for(['missing', 'wrong', 'short', 'sha1_only'] as const)('may be %s', async (signature) => {
    world.sim.traps.signature = signature;
    await says('hello');
    expect(callback.received[0]!.isSigned).toBe(false);
    const header = callback.received[0]!.headers['x-hub-signature-256'];
    expect(header === undefined).toBe(signature === 'missing' || signature === 'sha1_only');
  });
});

describe('what people say', () => {
  it.for<[string, Said, object]>([
    ['text', { type: 'text', body: 'hi' }, { type: 'text', text: { body: 'hi' } }],
    ['image', { type: 'image', caption: 'us' }, { image: { caption: 'us', mime_type: 'image/jpeg' } }],
    ['voice', { type: 'audio', isVoice: true }, { audio: { voice: true } }],
    ['document', { type: 'document', fileName: 'a.pdf' }, { document: { filename: 'a.pdf' } }],
    ['location', { type: 'location', latitude: 1, longitude: 2 }, { location: { latitude: 1, longitude: 2 } }],
    ['contacts', { type: 'contacts', contacts: [{ name: {} }] }, { contacts: [{ name: {} }] }],
    [
      'button reply',
      { type: 'button_reply', id: 'yes', title: 'Yes' },
      { type: 'interactive', interactive: { type: 'button_reply', button_reply: { id: 'yes', title: 'Yes' } } },
    ],
    [
      'list reply',
      { type: 'list_reply', id: '1', title: 'One' },
      { interactive: { type: 'list_reply', list_reply: { id: '1' } } },
    ],
    ['flow reply', { type: 'flow_reply', name: 'f', answers: {} }, { interactive: { type: 'nfm_reply' } }],
    ['button', { type: 'button', payload: 'p', text: 't' }, { button: { payload: 'p', text: 't' } }],
    ['order', { type: 'order', catalogId: '1', items: [] }, { order: { catalog_id: '1', product_items: [] } }],
    ['reaction', { type: 'reaction', to: 'wamid.x', emoji: '👍' }, { reaction: { emoji: '👍' } }],
    ['unsupported', { type: 'unsupported' }, { type: 'unsupported', errors: [{ code: 131_051 }] }],
    ['welcome', { type: 'request_welcome' }, { type: 'request_welcome' }],
    ['unheard', { type: 'other', word: 'hologram', content: { x: 1 } }, { type: 'hologram', hologram: { x: 1 } }],
  ])('%s', async ([, said, shown]) => {
    const [message] = await says(said);
    expect(message).toMatchObject({ ...shown, from: person.waId });
    expect(message!['id']).toMatch(/^wamid\./);
    expect(message!['timestamp']).toBe(String(world.now.getTime() / 1_000));
  });

  it('names the number by its digits, and who wrote', async () => {
    await says('hi');
    const { number, waba } = world.tenant;
    expect(callback.received[0]!.payload).toMatchObject({
      object: 'whatsapp_business_account',
      entry: [{ id: waba.id, changes: [{ field: 'messages' }] }],
    });
    expect(callback.changes()[0]!.value).toMatchObject({
      messaging_product: 'whatsapp',
      metadata: { display_phone_number: number.digits, phone_number_id: number.id },
      contacts: [{ profile: { name: 'Ada' }, wa_id: person.waId, user_id: person.userId(waba) }],
    });
  });

  it('has context for an answer and for what was forwarded', async () => {
    const { number } = world.tenant;
    person.says(number, 'yes', { replyTo: 'wamid.question' });
    person.says(number, 'news', { isForwarded: true });
    await world.sim.flush();
    expect(callback.all('messages')).toMatchObject([
      { context: { id: 'wamid.question', from: number.digits } },
      { context: { forwarded: true } },
    ]);
  });

  it('a reaction is taken away by an empty emoji, or by none', async () => {
    const found = await says({ type: 'reaction', to: 'wamid.x', emoji: '' }, { type: 'reaction', to: 'wamid.x' });
    expect(found.map(({ reaction }) => reaction)).toEqual([
      { message_id: 'wamid.x', emoji: '' },
      { message_id: 'wamid.x' },
    ]);
  });

  it('names somebody without a phone number by user id alone, another one per business', async () => {
    const hidden = world.sim.addPerson({ waId: null, username: 'ada' });
    const other = world.sim.addTenant();
    hidden.says(world.tenant.number, 'hi');
    hidden.says(other.number, 'hi');
    await world.sim.flush();
    const [message] = callback.all('messages');
    const [contact] = callback.all('contacts');
    const userId = hidden.userId(world.tenant.waba);
    expect(message).toMatchObject({ from_user_id: userId });
    expect(message).not.toHaveProperty('from');
    expect(contact).toEqual({ profile: { name: hidden.name, username: 'ada' }, user_id: userId });
    expect(hidden.userId(other.waba)).not.toBe(userId);
  });

  it('names nobody by user id before 2026, and by that of the parent where that is on', async () => {
    world.sim.traps.withUserIds = false;
    const [old] = await says('hi');
    expect(old).not.toHaveProperty('from_user_id');
    Object.assign(world.sim.traps, { withUserIds: true, withParentUserIds: true });
    const [, young] = await says('hi');
    expect(young!['from_parent_user_id']).toMatch(/^US\.ENT\.\d{20}$/);
  });

  it('tells of a new number by a system message without contacts; the user id is another one too', async () => {
    const [old, oldUserId] = [person.waId, person.userId(world.tenant.waba)];
    person.changesNumber('12195555358', world.tenant.number);
    await world.sim.flush();
    expect(callback.changes()[0]!.value).not.toHaveProperty('contacts');
    expect(callback.all('messages')).toMatchObject([
      {
        from: old,
        from_user_id: oldUserId,
        type: 'system',
        system: { type: 'user_changed_number', wa_id: '12195555358', user_id: person.userId(world.tenant.waba) },
      },
    ]);
    expect(person.userId(world.tenant.waba)).not.toBe(oldUserId);
  });

  it('tells of another user id without any number: the old one stands in the words alone', async () => {
    const hidden = world.sim.addPerson({ waId: null, name: 'Eve' });
    const old = hidden.userId(world.tenant.waba);
    hidden.changesNumber(null, world.tenant.number);
    await world.sim.flush();
    const young = hidden.userId(world.tenant.waba);
    const [message] = callback.all('messages');
    expect(message!['system']).toEqual({
      body: `User Eve changed from ${old} to ${young}`,
      user_id: young,
      type: 'user_changed_user_id',
    });
    expect(Object.keys(message!).filter((name) => name.startsWith('from'))).toEqual([]);
  });
});

describe('one POST', () => {
  it('holds entries of several tenants, messages beside statuses', async () => {
    const other = world.sim.addTenant();
    await says('hello');
    await world.sendText(person.waId!);
    const { id } = world.sim.sentTo(world.tenant.number)[0]!;
    await world.sim.together(() => {
      person.says(world.tenant.number, 'one');
      person.says(world.tenant.number, 'two');
      world.sim.status(id, 'failed');
      person.says(other.number, 'three');
    });
    await world.sim.flush();
    expect(callback.received).toHaveLength(2);
    const { payload } = callback.received[1]!;
    expect(payload.entry.map((entry) => entry.id)).toEqual([world.tenant.waba.id, other.waba.id]);
    expect(payload.entry[0]!.changes).toMatchObject([
      { field: 'messages', value: { messages: [{}, {}], statuses: [{ status: 'failed' }], contacts: [{}] } },
    ]);
  });

  it.for([
    ['merged', [1]],
    ['changes', [2]],
    ['entries', [1, 1]],
  ] as const)('has other shapes: %s', async ([shape, changes]) => {
    await world.sim.together(() => {
      person.says(world.tenant.number, 'one');
      person.says(world.tenant.number, 'two');
    }, shape);
    await world.sim.flush();
    expect(callback.received[0]!.payload.entry.map((entry) => entry.changes.length)).toEqual(changes);
    expect(callback.all('messages')).toHaveLength(2);
  });

  it('goes to nobody when no app is subscribed, though everything looks right', async () => {
    const { body } = await world.get(`${world.tenant.waba.id}/subscribed_apps`);
    expect(body['data']).toMatchObject([{ whatsapp_business_api_data: { id: world.app.id } }]);
    const token = { authorization: `Bearer ${world.tenant.token.value}` };
    const url = `${world.sim.baseUrl}/v23.0/${world.tenant.waba.id}/subscribed_apps`;
    await fetch(url, { method: 'DELETE', headers: token });
    expect(await says('hello')).toEqual([]);
    await world.post(`${world.tenant.waba.id}/subscribed_apps`, {});
    expect(await says('hello')).toHaveLength(1);
  });
});

describe('delivery', () => {
  it.for([500, 404, 302, null])('is tried again after %s', async (status) => {
    callback.answerWith(status);
    await says('hello');
    expect(callback.received).toHaveLength(2);
    expect(callback.received[0]!.raw).toBe(callback.received[1]!.raw);
    expect(world.sim.sender.deliveries[0]).toMatchObject({ attempts: [status, 200], state: 'delivered' });
  });

  it('lets later ones pass one that is tried again', async () => {
    world.sim.traps.deliveriesAtOnce = 1;
    callback.answerWith(503);
    const found = await says('first', 'second');
    expect(found.map(({ text }) => (text as { body: string }).body)).toContain('second');
    expect(callback.received).toHaveLength(3);
  });

  it('is given up in the end, and flush says so', async () => {
    callback.answerWith(500, 500, 500, 500);
    person.says(world.tenant.number, 'hello');
    await expect(world.sim.flush()).rejects.toThrow('500, 500, 500, 500');
    await world.sim.flush();
  });

  it('happens more than once', async () => {
    world.sim.traps.duplicates = 2;
    await says('hello');
    expect(new Set(callback.received.map(({ raw }) => raw)).size).toBe(1);
    expect(callback.received).toHaveLength(3);
  });

  it('repeats the same bytes up to seven days later', async () => {
    await says('hello');
    const [delivery] = world.sim.sender.deliveries;
    world.pass(7 * DAY_MS);
    world.sim.sender.replay(delivery!);
    await world.sim.flush();
    expect(callback.received.map(({ raw }) => raw)).toEqual([delivery!.body, delivery!.body]);
    world.pass(1);
    expect(() => world.sim.sender.replay(delivery!)).toThrow('last seven days');
  });

  it('can be held and let go in another order', async () => {
    const release = world.sim.sender.hold();
    person.says(world.tenant.number, 'first');
    person.says(world.tenant.number, 'second');
    await expect(world.sim.flush()).rejects.toThrow('held');
    release('reversed');
    await world.sim.flush();
    expect(callback.all('messages').map(({ text }) => text)).toEqual([{ body: 'second' }, { body: 'first' }]);
  });
});

describe('news', () => {
  it('of a template have its id as a number that a double cannot hold', async () => {
    const template = world.sim.addTemplate(world.tenant.waba, { name: 'bill' });
    world.sim.templateStatus(template, 'REJECTED', 'ABUSIVE_CONTENT');
    await world.sim.flush();
    const { raw, payload } = callback.received[0]!;
    expect(raw).toContain(`"message_template_id":${template.id}`);
    expect(payload.entry[0]!.time).toBe(world.now.getTime() / 1_000);
    expect(callback.changes()[0]).toMatchObject({
      field: 'message_template_status_update',
      value: { event: 'REJECTED', message_template_name: 'bill', reason: 'ABUSIVE_CONTENT' },
    });
  });

  it('of a field that nobody has heard of come too', async () => {
    world.sim.tell(world.tenant.waba, 'telepathy', { thought: 'x' });
    await world.sim.flush();
    expect(callback.changes()).toEqual([{ field: 'telepathy', value: { thought: 'x' } }]);
  });

  it('of a number may be errors in place of messages', async () => {
    const errors = [{ code: 130_429, title: 'Rate limit hit' }];
    world.sim.tell(world.tenant.number, 'messages', { errors });
    await world.sim.flush();
    const metadata = { phone_number_id: world.tenant.number.id };
    expect(callback.changes()).toMatchObject([{ field: 'messages', value: { metadata, errors } }]);
  });
});
