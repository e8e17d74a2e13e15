// The official description of the Bot API, where it lies beside the repository: what we send exists there, and whatever it allows to
// come is read or refused with a reason.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharedFile } from '../simulators/shared-folder.ts';
import { telegram } from '../../src/connectors/telegram/index.ts';
import { UPDATE_KINDS } from '../../src/connectors/telegram/update-kinds.ts';
import { cutUpdate } from '../../src/connectors/telegram/updates.ts';
import type { OutgoingMessage } from '../../src/connectors/contract/sending.ts';
import { parseExactJson } from '../../src/connectors/toolkit/exact-json.ts';
import { contentOf } from '../../src/store/record-content.ts';
import { chatMembersTable } from '../../src/store/record-tables/chat-members.ts';
import { conversationsTable } from '../../src/store/record-tables/conversations.ts';
import { messagesTable } from '../../src/store/record-tables/messages.ts';
import { platformEventsTable } from '../../src/store/record-tables/platform-events.ts';
import { cleanRecord } from '../../src/sync/clean-text.ts';
import { readEvents, type ReadEvents } from '../../src/webhooks/read-events.ts';
import { Secret } from '../../src/core/secret.ts';
import { shapeCheck, type TelegramSpec } from '../simulators/telegram/official-shapes.ts';
import { UNLIMITED } from '../simulators/telegram/limits.ts';
import { createTelegramSimulator } from '../simulators/telegram/simulator.ts';
import { rigContext } from '../support/connector-rig.ts';
import { valuesOf } from '../support/contract/telegram-values.ts';

interface Field {
  readonly name: string;
  readonly types: readonly string[];
  readonly required: boolean;
}

interface Description extends TelegramSpec {
  readonly methods: Readonly<Record<string, { readonly fields?: readonly Field[] }>>;
}

const file = sharedFile('specs/telegram-bot-api.json');
const spec = file === undefined ? null : (JSON.parse(readFileSync(file, 'utf8')) as Description);

const UPDATES = (spec?.types['Update']?.fields ?? []).filter(({ name }) => name !== 'update_id');
const KINDS = UPDATES.map(({ name }) => name);
const MESSAGES = UPDATES.filter(({ types }) => types[0] === 'Message').map(({ name }) => name);
const RUNS = { numRuns: Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 30) };

const updateOf = (kind: string): fc.Arbitrary<unknown> =>
  valuesOf(spec!, UPDATES.find(({ name }) => name === kind)!.types[0]!, 2);

/** As it comes: cut, stored, read. */
function readUpdate(kind: string, value: unknown, id = 1): ReadEvents {
  const { event } = cutUpdate(parseExactJson(JSON.stringify({ update_id: id, [kind]: value })), '42');
  expect(event).toMatchObject({ kind, eventKey: expect.stringMatching(/^\d+:[0-9a-f]{16}$/) as string });
  return readEvents(telegram.inbox!, [{ id: 'one', ...event, receivedAt: new Date(0) }]);
}

/** The texts of the columns; throws where there are none. */
function writtenDown({ records }: ReadEvents): readonly string[] {
  const { conversations, messages, members, events } = records;
  return [
    ...conversations.map((record) => contentOf(conversationsTable, record)),
    ...messages.map((record) => contentOf(messagesTable, record)),
    ...members.map((record) => contentOf(chatMembersTable, record)),
    ...events.map((record) => contentOf(platformEventsTable, record)),
  ].map(({ key }) => key);
}

describe.skipIf(spec === null)('the official description (needs ../shared/specs)', () => {
  test('we ask for every kind of update that it knows', () => {
    const known = spec!.types['Update']!.fields!.map(({ name }) => name).filter((name) => name !== 'update_id');
    expect(UPDATE_KINDS.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(known.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test('methods, parameters and their types exist there', async () => {
    const sim = createTelegramSimulator({ limits: UNLIMITED, traps: { antiHammering: false } });
    await sim.start();
    const bot = sim.addBot();
    const chat = String(sim.addPerson().chat.id);
    const asked: { readonly method: string; readonly parameters: Readonly<Record<string, unknown>> }[] = [];
    const context = rigContext({ connector: telegram, baseUrl: sim.baseUrl, credentials: bot.credentials });
    const watched = {
      ...context,
      http: {
        ...context.http,
        request: (request: Parameters<typeof context.http.request>[0], signal: AbortSignal) => {
          const { body, url } = request;
          asked.push({
            method: url.split('/').at(-1)!,
            parameters: body?.type === 'json' ? (body.value as object as Record<string, unknown>) : {},
          });
          return context.http.request(request, signal);
        },
      },
    };
    const link = 'https://example.com/file';
    const common = {
      chat,
      keyboard: [
        [
          { text: 'a', data: 'b' },
          { text: 'c', url: link },
        ],
      ],
    };
    const messages: OutgoingMessage[] = [
      { ...common, type: 'text', text: 'x', format: 'html', preview: false },
      ...(['photo', 'video', 'audio', 'document', 'animation', 'voice'] as const).map((media): OutgoingMessage => ({
        ...common,
        type: 'media',
        media,
        link,
        caption: 'c',
      })),
      { ...common, type: 'media', media: 'sticker', link },
    ];
    for (const message of messages) await telegram.sending!.send(watched, message);
    await telegram.sending!.send(watched, { type: 'text', chat, text: 'x', replyTo: '1' });
    await telegram.test(watched);
    await telegram.polling!.poll(watched, { position: 7, waitSeconds: 0 });
    await telegram.polling!.startWebhook(watched, { url: 'https://127.0.0.1:8443/x', secret: new Secret('s') });
    await telegram.polling!.stopWebhook(watched, () => true);
    await sim.stop();
    const check = shapeCheck(spec!);
    const problems = asked.flatMap(({ method, parameters }) => {
      const fields = spec!.methods[method]?.fields;
      if (spec!.methods[method] === undefined) return [`no method ${method}`];
      return Object.entries(parameters).flatMap(([name, value]) => {
        const field = (fields ?? []).find((each) => each.name === name);
        if (field === undefined) return [`${method} has no ${name}`];
        const json: unknown = JSON.parse(JSON.stringify(value));
        return field.types.some((type) => check(type, json).length === 0)
          ? []
          : [`${method}.${name}: ${JSON.stringify(json)}`];
      });
    });
    expect(problems).toEqual([]);
    expect(new Set(asked.map(({ method }) => method)).size).toBeGreaterThan(12);
  });

  test.each(KINDS)('any %s becomes records that can be stored, or is refused with a path', (kind) => {
    fc.assert(
      fc.property(updateOf(kind), fc.nat(), (value, id) => {
        const read = readUpdate(kind, value, id);
        const [refusal] = read.refused;
        // A list of no messages that are gone says nothing.
        if (refusal === undefined && kind !== 'deleted_business_messages') {
          expect(writtenDown(read).length).toBeGreaterThan(0);
        } else if (refusal !== undefined) {
          expect(refusal.error).toMatchObject({
            code: 'record.invalid',
            details: { path: expect.any(String) as string },
          });
        }
      }),
      RUNS,
    );
  });

  test.each(KINDS.filter((kind) => !/message$|post$|deleted/.test(kind)))('%s is kept as it came', (kind) => {
    fc.assert(
      fc.property(updateOf(kind), (value) => {
        const came = { [kind]: JSON.parse(JSON.stringify(value)) as unknown };
        expect(readUpdate(kind, value).records.events).toMatchObject([{ kind, body: cleanRecord(came).value }]);
      }),
      RUNS,
    );
  });

  test.each(KINDS)('%s is read wherever its dates are dates', (kind) => {
    const DATE = /^(?:.*\.)?(?:date|edit_date)$/;
    const seen = fc.sample(updateOf(kind), { numRuns: 60, seed: 7 }).map((value) => readUpdate(kind, value));
    const paths = seen.flatMap(({ refused }) => refused.map(({ error }) => String(error.details?.['path'])));
    expect(paths.filter((path) => !DATE.test(path))).toEqual([]);
    expect(paths.length).toBeLessThan(seen.length / 2);
  });

  test('every member of a message that it knows is content, news, or stands beside them', () => {
    const typeOf = (members: object): unknown =>
      readUpdate('message', { message_id: 1, date: 1, chat: { id: 1, type: 'private' }, ...members }).records
        .messages[0]?.messageType;
    const message = new Set(spec!.types['Message']!.fields!.map(({ name }) => name));
    const values = fc.sample(updateOf('message'), { numRuns: 3_000, seed: 7 }) as readonly Record<string, unknown>[];
    const unheard = [...message].filter((name) => {
      const value = values.find((each) => each[name] !== undefined)?.[name];
      if (/^(?:date|edit_date|message_id|chat)$/.test(name)) return false;
      const alone = typeOf({ [name]: value });
      return alone !== 'unknown' && typeOf({ member_of_tomorrow: 1, [name]: value }) === 'member_of_tomorrow';
    });
    expect(unheard).toEqual([]);
    expect(MESSAGES).toHaveLength(7);
  });
});
