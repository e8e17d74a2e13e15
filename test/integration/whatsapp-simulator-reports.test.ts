// Reports of the simulated Graph API: each with its own words and shape, figures that change, and a past that ends.

import { afterEach, beforeEach, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/duration.ts';
import { startWhatsapp, WHATSAPP_NOW, type GraphAnswer, type WhatsappWorld } from '../support/whatsapp.ts';

let world: WhatsappWorld;
beforeEach(async () => void (world = await startWhatsapp()));
afterEach(() => world.sim.stop());

interface TemplatePage {
  readonly data: readonly { readonly data_points: readonly unknown[] }[];
  readonly paging: { readonly cursors: { readonly after: string }; readonly next?: string };
}

const seconds = (at: string): number => new Date(at).getTime() / 1_000;
const report = (field: string, modifiers: string): Promise<GraphAnswer> =>
  world.get(`${world.tenant.waba.id}?fields=${encodeURIComponent(`${field}${modifiers}`)}`);

const at = new Date('2026-11-18T10:10:00Z');
const range = `.start(${seconds('2026-11-17T00:00:00Z')}).end(${seconds('2026-11-20T00:00:00Z')})`;

it.for([
  ['analytics', 'DAY', 'DAILY'],
  ['conversation_analytics', 'DAILY', 'DAY'],
  ['pricing_analytics', 'MONTHLY', 'MONTH'],
  ['template_analytics', 'DAILY', 'HALF_HOUR'],
] as const)('%s wants %s and refuses %s', async ([field, right, wrong]) => {
  const rest = field === 'template_analytics' ? '.template_ids([1])' : '';
  expect((await report(field, `${range}.granularity(${right})${rest}`)).status).toBe(200);
  expect((await report(field, `${range}.granularity(${wrong})${rest}`)).error).toMatchObject({ code: 100 });
});

it('has a shape of its own for each', async () => {
  const { figures, templates } = world.tenant.waba;
  const { digits } = world.tenant.number;
  const place = { at, phoneNumber: digits, country: 'US' };
  const template = world.sim.addTemplate(world.tenant.waba, { name: 'bill' });
  expect(templates).toHaveLength(1);
  figures.messaging.push({ ...place, sent: 3, delivered: 2 });
  figures.conversations.push({
    ...place,
    type: 'REGULAR',
    category: 'SERVICE',
    direction: 'USER_INITIATED',
    conversations: 2,
    cost: 0.02,
  });
  figures.pricing.push({ ...place, type: 'REGULAR', category: 'MARKETING', tier: null, volume: 4, cost: 0.1 });
  figures.templates.push({ at, templateId: template.id, sent: 5, delivered: 5, read: 1, clicked: [], cost: [] });
  const day = { start: seconds('2026-11-18T00:00:00Z'), end: seconds('2026-11-19T00:00:00Z') };
  expect((await report('analytics', `${range}.granularity(DAY)`)).body).toEqual({
    id: world.tenant.waba.id,
    analytics: { phone_numbers: [digits], granularity: 'DAY', data_points: [{ ...day, sent: 3, delivered: 2 }] },
  });
  const talks = `${range}.granularity(DAILY).dimensions(["CONVERSATION_TYPE","PHONE"])`;
  expect((await report('conversation_analytics', talks)).body['conversation_analytics']).toEqual({
    data: [
      { data_points: [{ ...day, phone_number: digits, conversation_type: 'REGULAR', conversation: 2, cost: 0.02 }] },
    ],
  });
  const prices = `${range}.granularity(DAILY).dimensions([PRICING_CATEGORY,COUNTRY])`;
  expect((await report('pricing_analytics', prices)).body['pricing_analytics']).toEqual({
    data: [{ data_points: [{ ...day, country: 'US', pricing_category: 'MARKETING', volume: 4, cost: 0.1 }] }],
  });
  const counts = `${range}.granularity(DAILY).template_ids(["${template.id}"])`;
  expect((await report('template_analytics', counts)).body['template_analytics']).toMatchObject({
    data: [{ granularity: 'DAILY', data_points: [{ template_id: template.id, ...day, sent: 5, read: 1 }] }],
  });
});

it('adds up what shares the dimensions, by half hours, days and months', async () => {
  const { figures } = world.tenant.waba;
  const place = { phoneNumber: world.tenant.number.digits, country: 'US' };
  for (const minute of ['10:10', '10:20', '10:40'])
    figures.messaging.push({ ...place, at: new Date(`2026-11-18T${minute}:00Z`), sent: 1, delivered: 0 });
  const sent = async (granularity: string): Promise<unknown> => {
    const { body } = await report('analytics', `${range}.granularity(${granularity})`);
    return (body['analytics'] as { data_points: { sent: number }[] }).data_points.map((point) => point.sent);
  };
  expect(await sent('HALF_HOUR')).toEqual([2, 1]);
  expect(await sent('DAY')).toEqual([3]);
  expect(await sent('MONTH')).toEqual([3]);
});

it('changes the figures of days that were read already', async () => {
  const { figures } = world.tenant.waba;
  const fact = { phoneNumber: world.tenant.number.digits, country: 'US', at, sent: 1, delivered: 1 };
  figures.messaging.push(fact);
  const before = await report('analytics', `${range}.granularity(DAY)`);
  figures.messaging.push(fact);
  const after = await report('analytics', `${range}.granularity(DAY)`);
  expect(before.body).not.toEqual(after.body);
});

it('looks back one year, for templates 90 days', async () => {
  const { figures } = world.tenant.waba;
  const template = world.sim.addTemplate(world.tenant.waba, { name: 'old' });
  const ago = (days: number): Date => new Date(WHATSAPP_NOW.getTime() - days * DAY_MS);
  const place = { phoneNumber: world.tenant.number.digits, country: 'US', sent: 1, delivered: 1 };
  figures.messaging.push({ ...place, at: ago(364) }, { ...place, at: ago(366) });
  const counts = { templateId: template.id, sent: 1, delivered: 1, read: 1, clicked: [], cost: [] };
  figures.templates.push({ ...counts, at: ago(89) }, { ...counts, at: ago(91) });
  const long = `.start(${seconds('2024-01-01T00:00:00Z')}).end(${seconds('2026-11-20T00:00:00Z')})`;
  const messages = (await report('analytics', `${long}.granularity(DAY)`)).body['analytics'];
  expect(messages).toMatchObject({ data_points: { length: 1 } });
  const reports = await report('template_analytics', `${long}.granularity(DAILY).template_ids([${template.id}])`);
  expect(reports.body['template_analytics']).toMatchObject({ data: [{ data_points: { length: 1 } }] });
});

it('may give the report of templates in pages, each with cursors, the last one without next', async () => {
  const { waba } = world.tenant;
  const template = world.sim.addTemplate(waba, { name: 'bill' });
  const counts = { templateId: template.id, sent: 1, delivered: 1, read: 1, clicked: [], cost: [] };
  for (const day of ['17', '18', '19']) waba.figures.templates.push({ ...counts, at: new Date(`2026-11-${day}`) });
  world.sim.traps.templatePointsPerPage = 2;
  const asked = `${range}.granularity(DAILY).template_ids([${template.id}])`;
  const page = async (after = ''): Promise<TemplatePage> =>
    (await report('template_analytics', `${asked}${after}`)).body['template_analytics'] as TemplatePage;
  const first = await page();
  const last = await page(`.after(${first.paging.cursors.after})`);
  expect([first, last].map(({ data }) => data[0]!.data_points.length)).toEqual([2, 1]);
  expect([first, last].map(({ paging }) => paging.next === undefined)).toEqual([false, true]);
  expect(last.paging.cursors.after).toBeTypeOf('string');
});

it('forgets the past of a number that was taken away', async () => {
  const { sim, tenant } = world;
  tenant.waba.figures.messaging.push({
    at,
    phoneNumber: tenant.number.digits,
    country: 'US',
    sent: 9,
    delivered: 9,
  });
  sim.remove(tenant.number);
  const { body } = await report('analytics', `${range}.granularity(DAY)`);
  expect(body['analytics']).toMatchObject({ phone_numbers: [], data_points: [] });
});

it('may leave a report without a point out of the answer', async () => {
  world.sim.traps.emptyReportsLeftOut = true;
  const { body } = await report('analytics', `${range}.granularity(DAY)`);
  expect(body).toEqual({ id: world.tenant.waba.id });
});
