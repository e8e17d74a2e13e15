// What WhatsApp's webhook says: bodies cut into events, and events read as records. Bodies are made up here, in the platform's
// shapes.

import { describe, expect, test } from 'vitest';
import type { EventRecords, InboxEvent } from '../../src/connectors/contract/events.ts';
import { inbox } from '../../src/connectors/whatsapp/inbox.ts';
import { webhook } from '../../src/connectors/whatsapp/webhook.ts';
import { parseExactJson } from '../../src/connectors/toolkit/exact-json.ts';

type Json = Readonly<Record<string, unknown>>;

const NUMBER = '106540352242922';
const WABA = '419561257915477';
const ANNA = '16505551234';
const ANNA_ID = 'US.13491208655302741918';
const AT = '1749416383';
const SENT_AT = new Date(Number(AT) * 1_000);
const METADATA = { display_phone_number: '15550783881', phone_number_id: NUMBER };
const CONTACT = { profile: { name: 'Anna', username: 'anna.k' }, wa_id: ANNA, user_id: ANNA_ID };

const call = (...changes: readonly Json[]): Json => ({
  object: 'whatsapp_business_account',
  entry: [{ id: WABA, time: 1_749_416_384, changes }],
});
const change = (value: Json, field = 'messages'): Json => ({
  field,
  value: { messaging_product: 'whatsapp', metadata: METADATA, ...value },
});
const message = (over: Json = {}): Json => ({
  from: ANNA,
  id: 'wamid.1',
  timestamp: AT,
  type: 'text',
  text: { body: 'Hello' },
  ...over,
});
const status = (word: string, over: Json = {}): Json => ({
  id: 'wamid.9',
  status: word,
  timestamp: AT,
  recipient_id: ANNA,
  ...over,
});

const cut = (body: unknown): readonly InboxEvent[] => webhook.eventsOf(body, 'app');
const read = (event: InboxEvent): EventRecords =>
  inbox.read({ ...event, body: JSON.parse(JSON.stringify(event.body)), receivedAt: new Date('2026-11-20T00:00:00Z') });
const readAll = (body: unknown): readonly EventRecords[] => cut(body).map(read);
const readOne = (body: unknown): EventRecords => {
  const [only, ...others] = readAll(body);
  expect(others).toEqual([]);
  return only!;
};
const said = (over: Json, contacts: readonly Json[] = [CONTACT]) =>
  readOne(call(change({ contacts, messages: [message(over)] })));

describe('cutting', () => {
  test('many entries, changes, messages and statuses in one call become an event each, in their order', () => {
    const body = {
      object: 'whatsapp_business_account',
      entry: [
        {
          id: WABA,
          changes: [
            change({
              contacts: [CONTACT],
              messages: [message(), message({ id: 'wamid.2' })],
              statuses: [status('failed', { errors: [{ code: 131026, title: 'x' }] }), status('read')],
              errors: [{ code: 131000, title: 'Something went wrong' }],
            }),
            change({ event: 'APPROVED' }, 'message_template_status_update'),
          ],
        },
        { id: '2', changes: [change({ messages: [message({ id: 'wamid.3' })] })] },
        { id: '3' },
      ],
    };
    expect(cut(body).map(({ kind, eventKey }) => [kind, eventKey.split(':').slice(0, 2).join(':')])).toEqual([
      ['message', 'message:wamid.1'],
      ['message', 'message:wamid.2'],
      ['status', 'status:wamid.9'],
      ['status', 'status:wamid.9'],
      ['error', expect.stringMatching(/^error:[0-9a-f]{16}$/)],
      ['message_template_status_update', expect.stringMatching(/^message_template_status_update:[0-9a-f]{16}$/)],
      ['message', 'message:wamid.3'],
    ]);
  });

  test('a failed status does not drop messages of the same payload', () => {
    const failed = status('failed', { recipient_id: undefined, errors: 'broken' });
    const events = cut(
      call(change({ statuses: [{ status: null }, failed], contacts: [CONTACT], messages: [message()] })),
    );
    expect(events.map(({ kind }) => kind)).toEqual(['message', 'status', 'status']);
    expect(read(events[0]!).messages).toMatchObject([{ platformMessageId: 'wamid.1' }]);
    expect(() => read(events[1]!)).toThrow(expect.objectContaining({ code: 'record.invalid' }));
    expect(read(events[2]!).statuses).toMatchObject([{ status: 'failed', recipientId: null, error: null }]);
  });

  test('a replay of the same call seven days later has the same keys, and two things never share one', () => {
    const body = call(
      change({ messages: [message()], statuses: [status('sent'), status('delivered')], errors: [{ code: 1 }] }),
      change({ event: 'APPROVED', message_template_id: 1 }, 'message_template_status_update'),
      change({ event: 'REJECTED', message_template_id: 1 }, 'message_template_status_update'),
    );
    const keys = cut(body).map(({ eventKey }) => eventKey);
    expect(cut(JSON.parse(JSON.stringify(body))).map(({ eventKey }) => eventKey)).toEqual(keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('tenant routing by phone_number_id; what is told of the whole account is routed by the account', () => {
    const events = cut(
      call(change({ messages: [message()] }), { field: 'account_update', value: { event: 'ACCOUNT_VIOLATION' } }),
    );
    expect(events.map(({ accountId, lane }) => [accountId, lane])).toEqual([
      [NUMBER, ANNA],
      [`waba:${WABA}`, 'waba'],
    ]);
  });

  test('a chat keeps its lane, whether a message, a status or an echo tells of it', () => {
    const events = cut(
      call(
        change({ contacts: [CONTACT], messages: [message()], statuses: [status('read')] }),
        change({ message_echoes: [message({ from: '15550783881', to: ANNA })] }, 'smb_message_echoes'),
      ),
    );
    expect(events.map(({ lane }) => lane)).toEqual([ANNA, ANNA, ANNA]);
  });

  test('each message has its own contact with it', () => {
    const other = { profile: { name: 'Boris' }, wa_id: '79990001122' };
    const [first, second] = readAll(
      call(
        change({
          contacts: [other, CONTACT],
          messages: [message(), message({ id: 'wamid.2', from: '79990001122' })],
        }),
      ),
    );
    expect([first, second].map((one) => one?.conversations?.[0]?.title)).toEqual(['Anna', 'Boris']);
  });

  test('keys and lanes fit their columns', () => {
    const [event] = cut(call(change({ messages: [message({ id: `wamid.${'x'.repeat(150)}` })] })));
    expect(event!.eventKey.length).toBeLessThanOrEqual(500);
    const [long] = cut(call({ field: 'f'.repeat(600), value: {} }));
    expect(long).toMatchObject({ kind: 'unknown', eventKey: expect.stringMatching(/^unknown:[0-9a-f]{16}$/) });
  });

  test.each([null, 7, {}, { object: 'page', entry: [] }, { object: 'whatsapp_business_account' }])(
    '%o is no call of WhatsApp',
    (body) => {
      expect(() => cut(body)).toThrow(expect.objectContaining({ code: 'input.invalid' }));
    },
  );

  test('a call without anything in it is a fine call', () => {
    expect(cut({ object: 'whatsapp_business_account', entry: [] })).toEqual([]);
  });
});

describe('messages', () => {
  test('a text is a message with its chat and its person', () => {
    const records = said({ context: { from: '15550783881', id: 'wamid.0', forwarded: true } });
    expect(records.messages).toEqual([
      {
        chatKey: ANNA,
        platformMessageId: 'wamid.1',
        direction: 'inbound',
        role: 'user',
        senderType: 'client',
        senderId: ANNA,
        senderName: 'Anna',
        content: 'Hello',
        attachments: [],
        status: 'received',
        sentAt: SENT_AT,
        editedAt: null,
        messageType: 'text',
        replyToId: 'wamid.0',
        details: { forwarded: true },
        sourceUpdatedAt: SENT_AT,
      },
    ]);
    expect(records.conversations).toMatchObject([
      {
        chatKey: ANNA,
        kind: 'direct',
        title: 'Anna',
        participants: [{ id: ANNA, name: 'Anna' }],
        details: { waId: ANNA, userId: ANNA_ID, username: 'anna.k' },
        lastMessageAt: SENT_AT,
      },
    ]);
  });

  test('a person without a phone (BSUID) has a chat under the user id', () => {
    const contact = { profile: { name: 'Anna' }, user_id: ANNA_ID };
    const { messages, conversations } = said({ from: undefined, from_user_id: ANNA_ID }, [contact]);
    expect(messages).toMatchObject([{ chatKey: ANNA_ID, senderId: ANNA_ID, senderName: 'Anna' }]);
    expect(conversations).toMatchObject([{ chatKey: ANNA_ID, details: { userId: ANNA_ID } }]);
    const where = said({ from: 'US.ENT.1349120865' }, []);
    expect(where.messages).toMatchObject([{ chatKey: 'US.ENT.1349120865' }]);
  });

  test('files keep id, type, name and digest, and their caption is the words', () => {
    const image = { id: '1003383421387256', mime_type: 'image/jpeg', sha256: 'SfIn=', caption: 'Taj Mahal' };
    expect(said({ type: 'image', text: undefined, image }).messages).toMatchObject([
      {
        content: 'Taj Mahal',
        attachments: [{ id: '1003383421387256', type: 'image', mimeType: 'image/jpeg', sha256: 'SfIn=', name: null }],
      },
    ]);
    const audio = { id: '2', mime_type: 'audio/ogg', voice: true };
    expect(said({ type: 'audio', audio }).messages?.[0]?.attachments).toMatchObject([{ id: '2', type: 'voice' }]);
    const document = { id: '3', mime_type: 'application/pdf', filename: 'bill.pdf' };
    expect(said({ type: 'document', document }).messages?.[0]?.attachments).toMatchObject([{ name: 'bill.pdf' }]);
  });

  test.each<[string, Json, Json]>([
    ['button', { button: { payload: 'stop', text: 'Stop' } }, { content: 'Stop', details: { payload: 'stop' } }],
    [
      'interactive',
      { interactive: { type: 'list_reply', list_reply: { id: 'a', title: 'Express' } } },
      { content: 'Express', details: { payload: 'a' } },
    ],
    ['location', { location: { latitude: 1.5, longitude: 2, name: 'Cafe' } }, { content: 'Cafe' }],
    ['contacts', { contacts: [{ name: { formatted_name: 'Lucía' } }] }, { content: 'Lucía' }],
    ['order', { order: { catalog_id: '1', text: '', product_items: [] } }, { content: null }],
    ['sticker', { sticker: { id: '1', mime_type: 'image/webp', animated: true } }, { details: { animated: true } }],
    ['request_welcome', {}, { content: null }],
    ['hologram', { hologram: { depth: 3 } }, { content: null, details: { hologram: { depth: 3 } } }],
  ])('%s is read', (type, member, expected) => {
    expect(said({ type, text: undefined, ...member }).messages).toMatchObject([{ messageType: type, ...expected }]);
  });

  test('where somebody is, is told in numbers, whole or not', () => {
    const text = '{"latitude":52,"longitude":13.404954,"name":"Café"}';
    const [message] = said({ type: 'location', text: undefined, location: parseExactJson(text) }).messages!;
    expect(message!.details).toEqual({ location: JSON.parse(text) as unknown });
  });

  test('a reaction is about a message, and without an emoji it is taken back', () => {
    const reaction = { message_id: 'wamid.0', emoji: '👍' };
    expect(said({ type: 'reaction', reaction }).messages).toMatchObject([
      { content: '👍', replyToId: 'wamid.0', details: { isRemoved: false } },
    ]);
    for (const emoji of [undefined, '']) {
      expect(said({ type: 'reaction', reaction: { message_id: 'wamid.0', emoji } }).messages).toMatchObject([
        { content: null, replyToId: 'wamid.0', details: { isRemoved: true } },
      ]);
    }
  });

  test('unsupported says why', () => {
    const errors = [{ code: 131051, title: 'Message type unknown' }];
    expect(said({ type: 'unsupported', text: undefined, errors }).messages).toMatchObject([
      { messageType: 'unsupported', content: null, details: { errors } },
    ]);
  });

  test('a person who changed his number goes on under the new one; such a message has no contacts', () => {
    const system = { body: 'Anna changed', wa_id: '12195555358', type: 'user_changed_number' };
    const { messages, migrations, conversations } = said({ type: 'system', text: undefined, system }, []);
    expect(messages).toMatchObject([{ role: 'system', senderType: 'system', content: 'Anna changed' }]);
    expect(migrations).toEqual([{ fromChatKey: ANNA, toChatKey: '12195555358', at: SENT_AT }]);
    expect(conversations).toBeUndefined();
  });

  test('an advertisement that led here is kept', () => {
    const referral = { source_type: 'ad', source_id: '120226305854810726' };
    expect(said({ referral }).messages).toMatchObject([{ details: { referral } }]);
  });

  test('ids that a double cannot hold stay exact', () => {
    const body = JSON.stringify(call(change({ messages: [message()] }))).replace(`"${ANNA}"`, '9007199254740993');
    const [event] = cut(parseExactJson(body));
    expect(read(event!).messages).toMatchObject([{ chatKey: '9007199254740993' }]);
  });

  test('what the business writes in its own app is outbound', () => {
    const echo = message({ from: '15550783881', to: ANNA, id: 'wamid.7' });
    const { messages, conversations } = readOne(call(change({ message_echoes: [echo] }, 'smb_message_echoes')));
    expect(messages).toMatchObject([{ direction: 'outbound', chatKey: ANNA, status: 'sent', senderType: 'seller' }]);
    // Nobody said the person's name: the chat must not lose it.
    expect(conversations).toMatchObject([{ chatKey: ANNA, title: null, sourceUpdatedAt: new Date(0) }]);
  });

  test('a message that was revoked is removed, under a key of its own', () => {
    const revoke = message({ id: 'wamid.1', type: 'deleted', text: undefined });
    const events = cut(call(change({ messages: [message(), revoke] })));
    expect(new Set(events.map(({ eventKey }) => eventKey)).size).toBe(2);
    expect(read(events[1]!)).toEqual({
      removed: [{ chatKey: ANNA, platformMessageId: 'wamid.1', removedAt: SENT_AT }],
    });
  });

  test('a message that nobody wrote is refused with its place', () => {
    expect(() => said({ from: undefined }, [])).toThrow(
      expect.objectContaining({ code: 'record.invalid', details: { path: 'message.from' } }),
    );
    expect(() => said({ timestamp: 'soon' })).toThrow(
      expect.objectContaining({ code: 'record.invalid', details: { path: 'timestamp' } }),
    );
  });
});

describe('statuses', () => {
  const told = (word: string, over: Json = {}) => readOne(call(change({ statuses: [status(word, over)] })));

  test.each([
    ['sent', 'sent'],
    ['delivered', 'delivered'],
    ['read', 'read'],
    ['played', 'read'],
    ['failed', 'failed'],
  ])('%s counts as %s', (word, ours) => {
    expect(told(word).statuses).toMatchObject([
      { platformMessageId: 'wamid.9', status: ours, at: SENT_AT, recipientId: ANNA },
    ]);
  });

  test('a failure says why, by code and details, and price and conversation are kept', () => {
    const errors = [{ code: 131026, title: 'Undeliverable', error_data: { details: 'not on WhatsApp' } }];
    const pricing = { billable: true, pricing_model: 'PMP', category: 'utility' };
    expect(told('failed', { errors, pricing }).statuses).toMatchObject([
      { error: { code: '131026', message: 'not on WhatsApp' }, details: { pricing } },
    ]);
  });

  test('a failed status without user_id and without phone is a status all the same', () => {
    expect(told('failed', { recipient_id: undefined }).statuses).toMatchObject([{ recipientId: null }]);
    expect(told('sent', { recipient_id: undefined, recipient_user_id: ANNA_ID }).statuses).toMatchObject([
      { recipientId: ANNA_ID },
    ]);
  });

  test('deleted removes the message from its chat', () => {
    expect(told('deleted')).toEqual({
      removed: [{ chatKey: ANNA, platformMessageId: 'wamid.9', removedAt: SENT_AT }],
    });
  });

  test('a word that nobody has heard of is an event', () => {
    expect(told('held_for_quality').events).toMatchObject([
      { kind: 'status.held_for_quality', chatKey: ANNA, occurredAt: SENT_AT },
    ]);
  });
});
