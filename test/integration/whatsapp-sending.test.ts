// Sending over WhatsApp: what is refused before it leaves, what leaves, and what comes of it.

import { describe, expect, test } from 'vitest';
import { outgoingSchema, type OutgoingMessage, type Sent } from '../../src/connectors/contract/sending.ts';
import { whatsapp } from '../../src/connectors/whatsapp/index.ts';
import type { Governor } from '../../src/limits/governor.ts';
import { OPEN_GOVERNOR } from '../support/connector-rig.ts';
import { graphError, GRAPH_NOW, NUMBER, startGraph, type Graph } from '../support/graph.ts';

const sending = whatsapp.sending!;
const ANNA = '16505551234';
const ANNA_ID = 'US.13491208655302741918';

const message = (over: object): OutgoingMessage => outgoingSchema.parse({ chat: ANNA, ...over });
const text = (over: object = {}): OutgoingMessage => message({ type: 'text', text: 'Hello', ...over });
const media = (over: object = {}): OutgoingMessage =>
  message({ type: 'media', media: 'photo', link: 'https://example.com/a.jpg', ...over });
const button = (title: string, over: object = {}): object => ({ text: title, data: title, ...over });

const accepting = (contact: object = { input: ANNA, wa_id: ANNA }): Promise<Graph> =>
  startGraph(() => ({
    body: {
      messaging_product: 'whatsapp',
      contacts: [contact],
      messages: [{ id: 'wamid.1', message_status: 'accepted' }],
    },
  }));
const send = async (graph: Graph, what: OutgoingMessage, refusals?: number): Promise<Sent> =>
  await sending.send(graph.context(), what, refusals === undefined ? {} : { refusals });

describe('what is sent', () => {
  test.each<[string, OutgoingMessage, object]>([
    ['a text with a preview', text({ preview: true }), { type: 'text', text: { body: 'Hello', preview_url: true } }],
    ['an answer', text({ replyTo: 'wamid.0' }), { context: { message_id: 'wamid.0' } }],
    ['a photo', media({ caption: 'A' }), { type: 'image', image: { link: 'https://example.com/a.jpg', caption: 'A' } }],
    [
      'a document',
      media({ media: 'document', fileName: 'bill.pdf' }),
      { type: 'document', document: { link: 'https://example.com/a.jpg', filename: 'bill.pdf' } },
    ],
    ['a voice message', media({ media: 'voice' }), { type: 'audio', audio: { link: 'https://example.com/a.jpg' } }],
    [
      'a template',
      message({
        type: 'template',
        template: 'hello',
        language: 'en_US',
        components: [{ type: 'body', parameters: [] }],
      }),
      {
        type: 'template',
        template: {
          name: 'hello',
          language: { policy: 'deterministic', code: 'en_US' },
          components: [{ type: 'body', parameters: [] }],
        },
      },
    ],
    [
      'three answers to press',
      text({ keyboard: [[button('Yes'), button('No')], [button('Later')]] }),
      {
        type: 'interactive',
        interactive: {
          type: 'button',
          body: { text: 'Hello' },
          action: { buttons: ['Yes', 'No', 'Later'].map((title) => ({ type: 'reply', reply: { id: title, title } })) },
        },
      },
    ],
    [
      'an address to open',
      text({ keyboard: [[{ text: 'Shop', url: 'https://example.com' }]] }),
      {
        interactive: {
          type: 'cta_url',
          action: { name: 'cta_url', parameters: { display_text: 'Shop', url: 'https://example.com' } },
        },
      },
    ],
    [
      'a photo with buttons',
      media({ caption: 'A', keyboard: [[button('Yes')]] }),
      { interactive: { header: { type: 'image', image: { link: 'https://example.com/a.jpg' } }, body: { text: 'A' } } },
    ],
  ])('%s', async (_, what, expected) => {
    const graph = await accepting();
    sending.check(what);
    await send(graph, what);
    expect(graph.asked).toMatchObject([
      {
        method: 'POST',
        path: `/v23.0/${NUMBER}/messages`,
        body: { messaging_product: 'whatsapp', recipient_type: 'individual', to: ANNA, ...expected },
      },
    ]);
  });

  test('a person without a phone number is a recipient, not a number', async () => {
    const graph = await accepting({ user_id: ANNA_ID });
    const sent = await send(graph, text({ chat: ANNA_ID }));
    expect(graph.asked[0]?.body).toMatchObject({ recipient: ANNA_ID });
    expect(graph.asked[0]?.body).not.toHaveProperty('to');
    expect(sent).toMatchObject({ chatKey: ANNA_ID, records: { conversations: [{ details: { userId: ANNA_ID } }] } });
  });

  test('the message is recorded with its chat, which keeps the name that it has', async () => {
    const sent = await send(await accepting(), text({ chat: `+${ANNA}` }));
    expect(sent).toMatchObject({
      platformMessageId: 'wamid.1',
      chatKey: ANNA,
      sentAt: GRAPH_NOW,
      records: {
        messages: [{ chatKey: ANNA, direction: 'outbound', status: 'sent', content: 'Hello', messageType: 'text' }],
        conversations: [{ chatKey: ANNA, title: null, sourceUpdatedAt: new Date(0) }],
      },
    });
  });

  test('the chat is the one of the answer: recipients of some countries are written otherwise than dialled', async () => {
    const sent = await send(
      await accepting({ input: '5511987654321', wa_id: '551187654321' }),
      text({ chat: '5511987654321' }),
    );
    expect(sent.chatKey).toBe('551187654321');
  });

  test('messages to one chat have one key, with a plus or without', () => {
    expect(new Set([text(), text({ chat: `+${ANNA}` })].map((one) => sending.chatKeyOf(one)))).toEqual(new Set([ANNA]));
  });

  test('charges the pair, the number and the app', async () => {
    const charged: string[] = [];
    const governor: Governor = {
      ...OPEN_GOVERNOR,
      take: async (charges) => {
        charged.push(...charges.map(({ rule, key }) => `${rule.id} ${key}`));
        return { granted: true, waitMs: 0 };
      },
    };
    const graph = await accepting();
    await sending.send(graph.context({ settings: { app_id: '5' }, governor }), text());
    expect(charged).toEqual([
      expect.stringMatching(`^whatsapp\\.pair ${NUMBER}:[0-9a-f]{16}$`),
      `whatsapp.messages ${NUMBER}`,
      'whatsapp.app 5',
    ]);
  });
});

describe('what is refused before it leaves', () => {
  test.each<[string, OutgoingMessage, RegExp]>([
    ['markup', text({ format: 'markdown' }), /format.*own way/],
    ['four buttons', text({ keyboard: [['1', '2', '3', '4'].map((title) => button(title))] }), /at most 3 buttons/],
    ['a long button', text({ keyboard: [[button('x'.repeat(21))]] }), /at most 20 characters/],
    ['equal buttons', text({ keyboard: [[button('a'), button('a')]] }), /differ/],
    [
      'address and answer together',
      text({ keyboard: [[button('a'), { text: 'b', url: 'https://example.com' }]] }),
      /not both/,
    ],
    ['long words above buttons', text({ text: 'x'.repeat(1_025), keyboard: [[button('a')]] }), /at most 1024/],
    ['an animation', media({ media: 'animation' }), /video/],
    ['words of a sticker', media({ media: 'sticker', caption: 'x' }), /caption/],
    ['the name of a photo', media({ fileName: 'a.jpg' }), /fileName/],
    ['a photo with buttons and no words', media({ keyboard: [[button('a')]] }), /caption/],
    [
      'buttons of a template',
      message({ type: 'template', template: 'a', language: 'en', keyboard: [[button('a')]] }),
      /part of it/,
    ],
    ['no chat', text({ chat: '@anna' }), /phone number.*user id/],
  ])('%s', async (_, what, words) => {
    const refused = expect.objectContaining({ code: 'input.invalid', message: expect.stringMatching(words) });
    expect(() => sending.check(what)).toThrow(refused);
    const graph = await accepting();
    await expect(send(graph, what)).rejects.toThrow(refused);
    expect(graph.asked).toEqual([]);
  });
});

describe('what WhatsApp refuses', () => {
  test.each([
    [131_026, 'message.recipient_unreachable'],
    [131_047, 'message.window_closed'],
    [131_051, 'message.refused'],
    [132_001, 'message.template_refused'],
    // What it does not understand, it will not understand later.
    [100, 'message.refused'],
    [190, 'platform.unauthorized'],
  ])('code %i is %s, and nothing is sent twice', async (code, expected) => {
    for (const status of [400, 500]) {
      const graph = await startGraph(() => ({ status, body: graphError(code) }));
      await expect(send(graph, text())).rejects.toMatchObject({ code: expected, details: { code } });
      expect(graph.asked).toHaveLength(1);
    }
  });

  test.each([400, 429])('pair rate limit (HTTP %i): only this chat waits, 4^n seconds', async (status) => {
    const graph = await startGraph(() => ({ status, body: graphError(131_056) }));
    const lessons: unknown[] = [];
    const governor: Governor = { ...OPEN_GOVERNOR, learn: async (lesson) => void lessons.push(lesson) };
    for (const [refusals, ms] of [
      [undefined, 1_000],
      [3, 64_000],
    ] as const) {
      const tries = refusals === undefined ? {} : { refusals };
      await expect(sending.send(graph.context({ governor }), text(), tries)).rejects.toMatchObject({
        code: 'platform.rate_limited',
        retryAfterMs: ms,
      });
    }
    expect(lessons).toMatchObject(
      [1_000, 64_000].map((retryAfterMs) => ({ rule: { id: 'whatsapp.pair' }, retryAfterMs })),
    );
  });

  test.each([
    ['a 503', { status: 503, text: '' }, 'platform.unavailable'],
    ['code 131000', { status: 500, body: graphError(131_000) }, 'platform.unavailable'],
    ['an answer without an id', { body: { messages: [] } }, 'platform.answer_invalid'],
  ])('%s leaves open whether it was sent, and it is not sent again', async (_, answer, expected) => {
    const graph = await startGraph(() => answer);
    await expect(send(graph, text())).rejects.toMatchObject({ code: expected });
    expect(graph.asked).toHaveLength(1);
  });
});
