// The streams of the WhatsApp connector over real HTTP: lists to their end, and reports over their days.

import { describe, expect, test } from 'vitest';
import { whatsapp } from '../../src/connectors/whatsapp/index.ts';
import type { MessagingAnalyticsRecord } from '../../src/core/records.ts';
import { streamOf } from '../support/connector-rig.ts';
import { graphError, GRAPH_NOW, startGraph, TOKEN, WABA, type Graph, type GraphAnswer } from '../support/graph.ts';

const DAY = 86_400;
const NOW = GRAPH_NOW.getTime() / 1_000;
const TODAY = Math.floor(NOW / DAY) * DAY;

const STREAMS = whatsapp.streams.map(({ name }) => name);

describe('without an account', () => {
  test.each(STREAMS)('%s names the setting that it needs, and only it waits for a person', async (stream) => {
    const graph = await startGraph(() => ({}));
    await expect(graph.read(stream, {}, {})).rejects.toMatchObject({
      code: 'platform.scope_missing',
      kind: 'scope',
      message: expect.stringContaining('waba_id'),
      details: { setting: 'waba_id' },
    });
    expect(graph.asked).toEqual([]);
  });
});

describe('lists', () => {
  const next = (after: string): string =>
    `https://graph.facebook.com/v23.0/${WABA}/phone_numbers?access_token=${TOKEN}&after=${after}`;
  const number = (id: string): object => ({ id, display_phone_number: '+1', status: 'CONNECTED' });
  const page = (ids: readonly string[], after: string | null, hasNext: boolean): GraphAnswer => ({
    body: {
      data: ids.map(number),
      paging: {
        cursors: { before: 'b', ...(after === null ? {} : { after }) },
        ...(hasNext ? { next: next(after ?? 'inside') } : {}),
      },
    },
  });
  const closes = (pass: Awaited<ReturnType<Graph['read']>>): boolean =>
    pass.pages.some(({ mode }) => mode.kind === 'scope' && mode.close);

  test('after-cursor present without next: stop', async () => {
    const graph = await startGraph(() => page(['1', '2'], 'last', false));
    const pass = await graph.read('phone_numbers');
    expect(graph.asked).toHaveLength(1);
    expect([...pass.records.keys()]).toEqual(['1', '2']);
    expect(closes(pass)).toBe(true);
  });

  test('empty page with next: go on', async () => {
    const answers = [page(['1'], 'a', true), page([], 'b', true), page(['2'], 'c', false)];
    const graph = await startGraph((_, n) => answers[n - 1]!);
    const pass = await graph.read('phone_numbers');
    expect([...pass.records.keys()]).toEqual(['1', '2']);
    expect(graph.asked.map(({ query }) => query['after'])).toEqual([undefined, 'a', 'b']);
    expect(closes(pass)).toBe(true);
  });

  test('the token that stands in next goes nowhere: into no page, no cursor, and no request but its header', async () => {
    const graph = await startGraph((_, n) => (n === 1 ? page(['1'], null, true) : page(['2'], null, false)));
    const pass = await graph.read('phone_numbers');
    expect(graph.asked[1]?.query['after']).toBe('inside');
    expect(JSON.stringify([pass.pages, pass.cursor])).not.toContain(TOKEN);
    expect(JSON.stringify(graph.asked.map(({ path, query }) => [path, query]))).not.toContain(TOKEN);
  });

  test('the same page for ever ends, removes nothing, and is told', async () => {
    const graph = await startGraph(() => page(['1'], 'a', true));
    const pass = await graph.read('phone_numbers');
    expect(graph.asked).toHaveLength(2);
    expect(closes(pass)).toBe(false);
    expect(pass.problems).toMatchObject([{ code: 'platform.answer_invalid' }]);
  });

  test('numbers keep their words: a state that no document knows is no error', async () => {
    const raw = {
      id: '9007199254740993002',
      display_phone_number: '+1 631-555-5555',
      verified_name: 'Tea and More',
      status: 'FLAGGED',
      quality_rating: 'UNKNOWN',
      code_verification_status: 'NOT_VERIFIED',
      username: null,
    };
    const graph = await startGraph(() => ({ body: { data: [raw] } }));
    const pass = await graph.read('phone_numbers');
    expect(graph.asked[0]?.query).toMatchObject({ limit: '100', fields: expect.stringContaining('quality_rating') });
    expect(graph.parsed('phone_numbers', pass)).toEqual([
      {
        phoneNumberId: '9007199254740993002',
        displayPhoneNumber: '+1 631-555-5555',
        verifiedName: 'Tea and More',
        status: 'FLAGGED',
        qualityRating: 'UNKNOWN',
        details: { codeVerificationStatus: 'NOT_VERIFIED' },
        sourceUpdatedAt: null,
      },
    ]);
  });

  test('the same template in two languages is two templates', async () => {
    const data = ['en_US', 'de'].map((language, index) => ({
      id: `${index}`,
      name: 'hello',
      language,
      status: 'APPROVED',
      category: 'UTILITY',
      previous_category: 'MARKETING',
      components: [{ type: 'BODY', text: 'Hi {{1}}' }],
    }));
    const graph = await startGraph(() => ({ body: { data, paging: { cursors: { after: 'x' } } } }));
    const pass = await graph.read('templates');
    expect(graph.parsed('templates', pass)).toMatchObject([
      { platformTemplateId: '0', language: 'en_US', details: { previousCategory: 'MARKETING' } },
      { platformTemplateId: '1', language: 'de', components: [{ text: 'Hi {{1}}' }] },
    ]);
  });
});

describe('reports', () => {
  /** Answers `fields` that begin with a report's name; the account's currency is known. */
  const reporting = (answer: (fields: string) => object, currency: GraphAnswer = { body: { currency: 'USD' } }) =>
    startGraph(({ path, query: { fields = '' } }) => {
      if (path.endsWith('/message_templates')) return { body: { data: templatesOf(12) } };
      return fields === 'currency' ? currency : { body: { ...answer(fields), id: WABA } };
    });
  const templatesOf = (count: number): readonly object[] => [
    { id: 'r', status: 'REJECTED' },
    ...Array.from({ length: count }, (_, index) => ({ id: `${index}`, status: 'APPROVED' })),
  ];
  const rangesOf = ({ asked }: Graph): readonly (readonly [from: number, to: number])[] =>
    asked.flatMap(({ query: { fields = '' } }) => {
      const [, from, to] = /\.start\((\d+)\)\.end\((\d+)\)/.exec(fields) ?? [];
      return from === undefined ? [] : [[Number(from), Number(to)] as const];
    });
  const fieldsOf = ({ asked }: Graph): readonly string[] =>
    asked.map(({ query }) => query['fields'] ?? '').filter((fields) => fields.includes('analytics'));
  const day = (start: number, over: object = {}): object => ({ start, end: start + DAY, ...over });
  const mark = (seconds: number): object => ({ mark: new Date(seconds * 1_000).toISOString() });
  const rows = (graph: Graph, name: string, pass: Awaited<ReturnType<Graph['read']>>) =>
    graph.parsed(name, pass) as readonly MessagingAnalyticsRecord[];

  test('conversations: DAILY, nested data, one row for dimensions and day, costs exact and with their currency', async () => {
    const point = day(TODAY - DAY, { conversation: 7, phone_number: '1555', country: 'US', cost: 0.0145 });
    const other = day(TODAY - DAY, { conversation: 2, phone_number: '1555', country: 'DE', cost: 0 });
    const graph = await reporting(() => ({ conversation_analytics: { data: [{ data_points: [point, other] }] } }));
    const pass = await graph.read('conversation_analytics', { cursor: mark(NOW) });
    expect(fieldsOf(graph)[0]).toMatch(
      /^conversation_analytics\.start\(\d+\)\.end\(\d+\)\.granularity\(DAILY\)\.dimensions\(\["CONV/,
    );
    expect(rows(graph, 'conversation_analytics', pass)).toMatchObject([
      {
        report: 'conversation',
        granularity: 'day',
        startsAt: new Date((TODAY - DAY) * 1_000),
        dimensions: { phone_number: '1555', country: 'US' },
        counts: { conversation: 7 },
        cost: '0.0145',
        currency: 'USD',
      },
      { dimensions: { country: 'DE' }, cost: '0' },
    ]);
    expect(pass.records.size).toBe(2);
  });

  test('messages: DAY, not DAILY, and points without the nesting of the others', async () => {
    const point = day(TODAY - DAY, { sent: 10, delivered: 9 });
    const graph = await reporting(() => ({
      analytics: { phone_numbers: ['1555'], granularity: 'DAY', data_points: [point] },
    }));
    const pass = await graph.read('messaging_analytics', { cursor: mark(NOW) });
    expect(fieldsOf(graph)[0]).toMatch(/^analytics\..*\.granularity\(DAY\)$/);
    expect(rows(graph, 'messaging_analytics', pass)).toMatchObject([
      { report: 'messaging', counts: { sent: 10, delivered: 9 }, cost: null, currency: null },
    ]);
  });

  test('prices by category, type and tier', async () => {
    const point = day(TODAY - DAY, { volume: 3, cost: 1.5, pricing_category: 'UTILITY', tier: '0:100' });
    const graph = await reporting(() => ({ pricing_analytics: { data: [{ data_points: [point] }] } }));
    const pass = await graph.read('pricing_analytics', { cursor: mark(NOW) });
    expect(rows(graph, 'pricing_analytics', pass)).toMatchObject([
      {
        report: 'pricing',
        dimensions: { pricing_category: 'UTILITY', tier: '0:100' },
        counts: { volume: 3 },
        cost: '1.5',
      },
    ]);
  });

  test('templates: ten a request, rejected ones never, clicks and costs as lists', async () => {
    const point = day(TODAY - DAY, {
      template_id: '9007199254740993003',
      sent: 5,
      read: 3,
      clicked: [
        { type: 'quick_reply_button', button_content: 'A', count: 2 },
        { type: 'quick_reply_button', button_content: 'B', count: 1 },
      ],
      cost: [{ type: 'amount_spent', value: 0.25 }, { type: 'cost_per_delivered' }],
    });
    const graph = await reporting((fields) => ({
      template_analytics: { data: fields.includes('"0"') ? [{ granularity: 'DAILY', data_points: [point] }] : [] },
    }));
    const pass = await graph.read('template_analytics', { cursor: mark(NOW) });
    expect(fieldsOf(graph).map((fields) => fields.match(/template_ids\((.*?)\)/)?.[1])).toEqual([
      JSON.stringify(Array.from({ length: 10 }, (_, index) => `${index}`)),
      '["10","11"]',
    ]);
    expect(rows(graph, 'template_analytics', pass)).toMatchObject([
      {
        dimensions: { template_id: '9007199254740993003' },
        counts: { sent: 5, read: 3, 'clicked.quick_reply_button': 3 },
        cost: '0.25',
      },
    ]);
  });

  test('lookback: a first pass asks for a year, templates for 90 days, in windows without gaps', async () => {
    for (const [stream, days] of [
      ['pricing_analytics', 365],
      ['template_analytics', 90],
    ] as const) {
      const graph = await reporting(() => ({}));
      const pass = await graph.read(stream);
      const ranges = rangesOf(graph);
      expect(Math.min(...ranges.map(([from]) => from))).toBeGreaterThanOrEqual(NOW - days * DAY);
      expect(Math.min(...ranges.map(([from]) => from))).toBeLessThanOrEqual(NOW - (days - 2) * DAY);
      expect(Math.max(...ranges.map(([, to]) => to))).toBe(NOW);
      for (const [index, [from]] of ranges.entries()) expect(from).toBeLessThanOrEqual(ranges[index - 1]?.[1] ?? from);
      expect(pass.cursor).toEqual(mark(NOW));
    }
  });

  test('an increment reads three days again, because recent days keep changing; of templates two weeks', async () => {
    for (const [stream, days] of [
      ['conversation_analytics', 3],
      ['template_analytics', 14],
    ] as const) {
      const graph = await reporting(() => ({}));
      await graph.read(stream, { cursor: mark(NOW) });
      expect(Math.min(...rangesOf(graph).map(([from]) => from))).toBeLessThanOrEqual(NOW - days * DAY);
      expect(streamOf(whatsapp, stream).lookbackMs).toBe(days * DAY * 1_000);
    }
  });

  test('a pass that broke off goes on behind its last window', async () => {
    const graph = await reporting(() => ({}));
    await graph.read('pricing_analytics', { type: 'full', since: null, cursor: mark(TODAY - 10 * DAY) });
    expect(rangesOf(graph)).toEqual([[TODAY - 11 * DAY, NOW]]);
  });

  test('a backfill asks for its own range', async () => {
    const graph = await reporting(() => ({}));
    await graph.read('pricing_analytics', {
      type: 'backfill',
      since: new Date((TODAY - 20 * DAY) * 1_000),
      until: new Date((TODAY - 10 * DAY) * 1_000),
    });
    expect(rangesOf(graph)).toEqual([[TODAY - 21 * DAY, TODAY - 9 * DAY]]);
  });

  test('days of another zone that the edge of a window cuts are left to the window that has them whole', async () => {
    // Days begin at 08:00 UTC; the platform cuts the first and the last one to what was asked.
    const graph = await reporting((fields) => {
      const [first = 0, last = 0] = /\.start\((\d+)\)\.end\((\d+)\)/.exec(fields)!.slice(1).map(Number);
      const points: object[] = [];
      const midnight = Math.floor((first - 8 * 3_600) / DAY) * DAY + 8 * 3_600;
      for (let start = midnight; start < last; start += DAY) {
        const [from, to] = [Math.max(start, first), Math.min(start + DAY, last)];
        points.push({ start: from, end: to, volume: to - from });
      }
      return { pricing_analytics: { data: [{ data_points: points }] } };
    });
    const pass = await graph.read('pricing_analytics');
    const found = rows(graph, 'pricing_analytics', pass);
    // Today is kept as far as it went.
    expect(new Set(found.map(({ counts }) => counts['volume']))).toEqual(new Set([DAY, NOW - TODAY - 8 * 3_600]));
    const starts = [...new Set(found.map(({ startsAt }) => startsAt.getTime()))].sort((a, b) => a - b);
    for (const [index, start] of starts.entries()) expect(start).toBe(starts[0]! + index * DAY * 1_000);
    expect(starts.at(-1)).toBe((TODAY + 8 * 3_600) * 1_000);
  });

  test('pages of a report follow its cursor', async () => {
    const graph = await reporting((fields) => ({
      pricing_analytics: fields.includes('.after(b)')
        ? { data: [{ data_points: [day(TODAY - DAY, { volume: 2 })] }], paging: { cursors: { after: 'c' } } }
        : { data: [], paging: { cursors: { after: 'b' }, next: 'https://graph.facebook.com/next' } },
    }));
    const pass = await graph.read('pricing_analytics', { cursor: mark(NOW) });
    expect(rows(graph, 'pricing_analytics', pass)).toHaveLength(1);
  });

  test('without the right to the currency costs stay, without one', async () => {
    const answer = { pricing_analytics: { data: [{ data_points: [day(TODAY - DAY, { volume: 1, cost: 2 })] }] } };
    const graph = await reporting(() => answer, { status: 400, body: graphError(100) });
    const pass = await graph.read('pricing_analytics', { cursor: mark(NOW) });
    expect(rows(graph, 'pricing_analytics', pass)).toMatchObject([{ cost: '2', currency: null }]);
    const set = await graph.read('pricing_analytics', { cursor: mark(NOW) }, { waba_id: WABA, currency: 'EUR' });
    expect(rows(graph, 'pricing_analytics', set)).toMatchObject([{ cost: '2', currency: 'EUR' }]);
  });

  test('a point that cannot be read is refused with its place', () => {
    const { parse, keyOf } = streamOf(whatsapp, 'pricing_analytics');
    const raw = { report: 'pricing', currency: null, point: { start: TODAY, end: TODAY, volume: 1 } };
    expect(keyOf(raw)).toBeNull();
    expect(() => parse(raw)).toThrow(expect.objectContaining({ details: { path: 'point.end' } }));
    expect(() => parse({ ...raw, point: day(TODAY, { volume: 'many' }) })).toThrow(
      expect.objectContaining({ code: 'record.invalid' }),
    );
  });
});
