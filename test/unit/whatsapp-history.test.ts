// What WhatsApp tells beside messages: the history of a number that was in use before, and changes of the account.

import { describe, expect, test } from 'vitest';
import type { EventRecords, InboxEvent } from '../../src/connectors/contract/events.ts';
import { inbox } from '../../src/connectors/whatsapp/inbox.ts';
import { webhook } from '../../src/connectors/whatsapp/webhook.ts';
import { sharedFile } from '../simulators/shared-folder.ts';
import { skipUnless } from '../support/skip.ts';
import { readFileSync } from 'node:fs';

type Json = Readonly<Record<string, unknown>>;

const ANNA = '16505551234';
const BUSINESS = '15550783881';
const METADATA = { display_phone_number: BUSINESS, phone_number_id: '106540352242922' };
const RECEIVED_AT = new Date('2026-11-20T00:00:00Z');

const call = (field: string, value: Json): Json => ({
  object: 'whatsapp_business_account',
  entry: [{ id: '419561257915477', time: 1_749_416_384, changes: [{ field, value }] }],
});
const cut = (body: unknown): readonly InboxEvent[] => webhook.eventsOf(body, 'app');
const read = (event: InboxEvent): EventRecords =>
  inbox.read({ ...event, body: JSON.parse(JSON.stringify(event.body)), receivedAt: RECEIVED_AT });
const old = (id: string, over: Json = {}): Json => ({
  from: ANNA,
  id,
  timestamp: '1749000000',
  type: 'text',
  text: { body: 'old' },
  history_context: { status: 'READ' },
  ...over,
});
const chunk = (phase: number, order: number, messages: readonly Json[]): Json => ({
  metadata: { phase, chunk_order: order, progress: 50 },
  threads: [{ id: ANNA, messages }],
});
const history = (...chunks: readonly Json[]): Json =>
  call('history', { messaging_product: 'whatsapp', metadata: METADATA, history: chunks });

describe('history', () => {
  test('history chunks in any order: each chat of each chunk is an event, with direction and status', () => {
    const own = old('wamid.b', { from: BUSINESS, to: ANNA, history_context: { status: 'DELIVERED', from_me: true } });
    const events = cut(history(chunk(1, 2, [own]), chunk(0, 1, [old('wamid.a')])));
    expect(events.map(({ kind, lane }) => [kind, lane])).toEqual([
      ['history', 'history'],
      ['history', ANNA],
      ['history', 'history'],
      ['history', ANNA],
    ]);
    const records = events.map(read);
    expect(records[0]?.events).toMatchObject([
      { kind: 'history', body: { chunk: { phase: 1, chunk_order: 2 }, threads: 1 } },
    ]);
    expect(records[1]?.messages).toMatchObject([
      { chatKey: ANNA, direction: 'outbound', status: 'delivered', platformMessageId: 'wamid.b' },
    ]);
    expect(records[3]?.messages).toMatchObject([{ chatKey: ANNA, direction: 'inbound', status: 'received' }]);
    expect(records[3]?.conversations).toMatchObject([{ chatKey: ANNA, details: { waId: ANNA } }]);
    // Whatever was told first-hand is newer.
    expect(records[3]?.messages?.[0]?.sourceUpdatedAt).toEqual(new Date(0));
  });

  test('thousands of messages in one call are cut into parts, and none is lost', () => {
    const events = cut(
      history(
        chunk(
          1,
          1,
          Array.from({ length: 1_201 }, (_, index) => old(`wamid.${index}`)),
        ),
      ),
    );
    const messages = events.flatMap((event) => read(event).messages ?? []);
    expect(events).toHaveLength(4);
    expect(new Set(messages.map(({ platformMessageId }) => platformMessageId)).size).toBe(1_201);
    expect(new Set(events.map(({ eventKey }) => eventKey)).size).toBe(4);
  });

  test('a media placeholder is a message without its file, and the file comes on its own', () => {
    const placeholder = old('wamid.m', { type: 'media_placeholder', text: undefined });
    expect(read(cut(history(chunk(1, 1, [placeholder])))[1]!).messages).toMatchObject([
      { messageType: 'media_placeholder', content: null, attachments: [], details: { isPlaceholder: true } },
    ]);
    const file = old('wamid.m', {
      from: BUSINESS,
      to: ANNA,
      type: 'image',
      image: { id: '77', mime_type: 'image/png' },
    });
    const [event] = cut(call('history', { metadata: METADATA, messages: [file] }));
    expect(event).toMatchObject({ eventKey: 'history_message:wamid.m', lane: ANNA });
    expect(read(event!).messages).toMatchObject([
      { direction: 'outbound', chatKey: ANNA, attachments: [{ id: '77' }] },
    ]);
  });

  test('one message that cannot be read leaves the others, and is kept', () => {
    const events = cut(history(chunk(1, 1, [old('wamid.a'), old('wamid.b', { timestamp: 'never' })])));
    const records = read(events[1]!);
    expect(records.messages).toHaveLength(1);
    expect(records.events).toMatchObject([{ kind: 'history.unreadable', chatKey: ANNA }]);
  });

  test('declined 2593109 is an event', () => {
    const [event, ...others] = cut(history({ errors: [{ code: 2593109, title: 'declined' }] }));
    expect(others).toEqual([]);
    expect(read(event!).events).toMatchObject([
      { kind: 'history', body: { errors: [{ code: 2593109, title: 'declined' }] } },
    ]);
  });
});

describe('everything else', () => {
  test('contacts of the phone are an event each', () => {
    const item = (number: string): Json => ({
      type: 'contact',
      contact: { full_name: 'Anna', phone_number: number },
      action: 'add',
      metadata: { timestamp: '1749000000' },
    });
    const events = cut(
      call('smb_app_state_sync', { metadata: METADATA, state_sync: [item(ANNA), item('4915112345')] }),
    );
    expect(events.map(({ lane }) => lane)).toEqual([ANNA, '4915112345']);
    expect(read(events[0]!).events).toMatchObject([{ kind: 'smb_app_state_sync', chatKey: ANNA }]);
  });

  test.each([
    'message_template_status_update',
    'phone_number_quality_update',
    'account_update',
    'account_alerts',
    'security',
    'something_that_comes_in_2027',
  ])('%s is an event as it came', (field) => {
    const value = { event: 'X', message_template_id: '9007199254740993' };
    const [event] = cut(call(field, value));
    expect(read(event!)).toEqual({
      events: [
        {
          eventKey: event!.eventKey,
          kind: field,
          chatKey: null,
          actorId: null,
          occurredAt: new Date(1_749_416_384_000),
          body: value,
          sourceUpdatedAt: null,
        },
      ],
    });
  });

  test('an error of the payload itself is an event', () => {
    const [event] = cut(call('messages', { metadata: METADATA, errors: [{ code: 131000 }] }));
    expect(read(event!).events).toMatchObject([{ kind: 'error', body: { code: 131000 } }]);
  });

  test('values that are no object are kept too', () => {
    for (const value of [null, 7, 'x', []] as unknown as Json[]) {
      const [event] = cut(call('strange', value));
      expect(read(event!).events).toHaveLength(1);
    }
  });
});

test("every example of Meta's own document is cut and read", (context) => {
  const file = sharedFile('specs/fixtures/whatsapp-webhook-examples.json');
  skipUnless(context, file, 'needs ../shared/specs/fixtures/whatsapp-webhook-examples.json');
  const examples = Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>);
  expect(examples.length).toBeGreaterThan(10);
  for (const [name, body] of examples) {
    const events = cut(body);
    expect(events, name).toHaveLength(1);
    const { messages = [], events: told = [], conversations = [], migrations = [] } = read(events[0]!);
    expect([...messages, ...told], name).toHaveLength(1);
    if (name.startsWith('Group')) expect(told, name).toHaveLength(1);
    else expect([...conversations, ...migrations], name).toHaveLength(1);
  }
});
