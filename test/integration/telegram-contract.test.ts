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
import { AppError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { shapeCheck, type TelegramSpec } from '../simulators/telegram/official-shapes.ts';
import { UNLIMITED } from '../simulators/telegram/limits.ts';
import { createTelegramSimulator } from '../simulators/telegram/simulator.ts';
import { rigContext } from '../support/connector-rig.ts';

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

const DEEPEST = -3;

/** Values of a type as its description allows them; deeper ones have their required members alone. */
function valuesOf({ types }: TelegramSpec, type: string, depth: number): fc.Arbitrary<unknown> {
  if (type.startsWith('Array of ')) {
    const item = valuesOf({ types }, type.slice('Array of '.length), depth - 1);
    return fc.array(item, { maxLength: 2 });
  }
  switch (type) {
    case 'Integer':
      return fc.oneof(fc.integer({ min: 0 }), fc.maxSafeInteger());
    case 'Float':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'String':
      return fc.string({ maxLength: 12, unit: 'grapheme' });
    case 'Boolean':
      return fc.boolean();
  }
  // Some types hold themselves without end.
  if (depth < DEEPEST) return fc.constant({});
  const { subtypes, fields = [] } = types[type] ?? {};
  if (subtypes !== undefined) return fc.oneof(...subtypes.map((of) => valuesOf({ types }, of, depth - 1)));
  const chosen = fields.filter(({ required }) => required || depth > 0);
  const required = chosen.filter((field) => field.required).map(({ name }) => name);
  const members = chosen.map(
    ({ name, types: of }) => [name, fc.oneof(...of.map((each) => valuesOf({ types }, each, depth - 1)))] as const,
  );
  return fc.record(Object.fromEntries(members), { requiredKeys: required });
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

  test.each(
    spec === null
      ? ['nothing']
      : spec.types['Update']!.fields!.map(({ name }) => name).filter((name) => name !== 'update_id'),
  )('any %s becomes records or an error of ours', (kind) => {
    const type = spec!.types['Update']!.fields!.find(({ name }) => name === kind)!.types[0]!;
    fc.assert(
      fc.property(valuesOf(spec!, type, 2), fc.nat(), (value, id) => {
        const { event } = cutUpdate(JSON.parse(JSON.stringify({ update_id: id, [kind]: value })) as unknown, '42');
        try {
          const records = telegram.inbox!.read({ ...event, receivedAt: new Date() });
          // A list of no messages that are gone says nothing.
          if (kind !== 'deleted_business_messages') expect(Object.values(records).flat().length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
          expect(error).toMatchObject({ code: 'record.invalid' });
        }
      }),
      { numRuns: Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 20) },
    );
  });
});
