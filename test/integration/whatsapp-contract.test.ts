// What the WhatsApp connector asks and sends against a mock made of Meta's own OpenAPI document of 2025-10-21.

import { describe, expect, test } from 'vitest';
import { outgoingSchema } from '../../src/connectors/contract/sending.ts';
import { whatsapp } from '../../src/connectors/whatsapp/index.ts';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import { sharedFiles } from '../simulators/shared-folder.ts';
import { rigContext } from '../support/connector-rig.ts';
import { contractPass, type ContractFindings } from '../support/contract/contract-pass.ts';
import { startSpecMock, type SpecMock, type SpecMockOptions } from '../support/contract/spec-mock.ts';
import { GRAPH_NOW, NUMBER, TOKEN } from '../support/graph.ts';
import { skipUnless } from '../support/skip.ts';

const FILES = sharedFiles(['specs/whatsapp-business-messaging-api_v23.0.yaml']);
const CREDENTIALS = { access_token: TOKEN, phone_number_id: NUMBER };
const SETTINGS = { waba_id: '1234567890123456' };

/** Where the document says less than the platform takes, each with its reason. */
const KNOWN: readonly RegExp[] = [
  // It wants three numbers of a version and no address to write to.
  /user-agent/i,
  // It knows `name` alone; paging of templates is described beside it.
  /message_templates: query\.(?:limit|after)/,
];

const unknownOf = (violations: readonly string[]): readonly string[] =>
  violations.filter((words) => !KNOWN.some((known) => known.test(words)));

const streams = whatsapp.streams.map(({ name }) => name);
/** The document describes them. */
const LISTS = ['phone_numbers', 'templates'];

async function pass(stream: string, mock: Omit<SpecMockOptions, 'files'>): Promise<ContractFindings> {
  return await contractPass({
    connector: whatsapp,
    stream,
    credentials: CREDENTIALS,
    settings: SETTINGS,
    now: () => GRAPH_NOW,
    mock: { files: FILES!, ...mock },
    ...(mock.status === undefined ? {} : { passes: ['full'] }),
  });
}

describe.for(streams)('%s', (stream) => {
  test.for([0, 1])('reads examples of the document by valid requests (%i)', async (seed, context) => {
    skipUnless(context, FILES, 'needs ../shared/specs');
    const found = await pass(stream, { answers: 'examples', seed });
    expect(unknownOf(found.violations)).toEqual([]);
    expect(found).toMatchObject({ faults: [], refusals: [], endings: [] });
    if (LISTS.includes(stream)) expect(found.parsed).toBeGreaterThan(0);
  });

  test.for(['generated', 'sparse'] as const)(
    '%s answers become records or errors of ours',
    async (answers, context) => {
      skipUnless(context, FILES, 'needs ../shared/specs');
      for (const seed of [1, 2]) {
        const found = await pass(stream, { answers, seed, fullAnswers: 2 });
        expect(unknownOf(found.violations)).toEqual([]);
        expect(found.faults).toEqual([]);
        expect(found.endings.filter((ending) => !ending.startsWith('platform.answer_invalid'))).toEqual([]);
      }
    },
  );
});

test.for<[number, ErrorCode]>([
  [400, 'platform.request_invalid'],
  [401, 'platform.unauthorized'],
  [403, 'platform.scope_missing'],
  [422, 'platform.request_invalid'],
  [429, 'platform.rate_limited'],
  [500, 'platform.unavailable'],
])("the document's example of HTTP %i is %s", async ([status, code], context) => {
  skipUnless(context, FILES, 'needs ../shared/specs');
  const found = await pass('phone_numbers', { answers: 'examples', seed: 0, status, fullAnswers: 3 });
  expect(found.statuses).toEqual([status]);
  expect(found.endings.map((ending) => ending.split(':')[0])).toEqual([code]);
});

const mockOf = (answers: SpecMockOptions['answers'], seed = 0): Promise<SpecMock> =>
  startSpecMock({ files: FILES!, answers, seed });
const contextOf = ({ origin }: SpecMock) =>
  rigContext({ connector: whatsapp, baseUrl: origin, credentials: CREDENTIALS, settings: SETTINGS });

test('test() asks for the number as the document has it', async (context) => {
  skipUnless(context, FILES, 'needs ../shared/specs');
  const mock = await mockOf('examples');
  // The document knows no `debug_token`: what the mock says of it is nothing.
  await whatsapp.test(contextOf(mock)).catch(() => undefined);
  expect(unknownOf(mock.exchanges[0]!.violations)).toEqual([]);
});

describe('messages', () => {
  const chat = '16505551234';
  const link = 'https://example.com/a.jpg';
  const button = { text: 'Yes', data: 'yes' };

  test.for<[string, object]>([
    ['text', { type: 'text', text: 'Hello', preview: true, replyTo: 'wamid.0' }],
    ['buttons', { type: 'text', text: 'Hello', keyboard: [[button]] }],
    ['image', { type: 'media', media: 'photo', link }],
    ['video', { type: 'media', media: 'video', link }],
    ['audio', { type: 'media', media: 'audio', link }],
    ['document', { type: 'media', media: 'document', link }],
    ['sticker', { type: 'media', media: 'sticker', link }],
    [
      'template',
      { type: 'template', template: 'hello', language: 'en_US', components: [{ type: 'body', parameters: [] }] },
    ],
  ])('%s is valid', async ([, over], context) => {
    skipUnless(context, FILES, 'needs ../shared/specs');
    const mock = await mockOf('examples');
    const sent = await whatsapp.sending!.send(contextOf(mock), outgoingSchema.parse({ chat, ...over }));
    expect(sent.platformMessageId).toMatch(/^wamid/);
    expect(mock.exchanges.map(({ operation }) => operation)).toEqual(['POST /{Version}/{Phone-Number-ID}/messages']);
    expect(unknownOf(mock.exchanges[0]!.violations)).toEqual([]);
  });
});
