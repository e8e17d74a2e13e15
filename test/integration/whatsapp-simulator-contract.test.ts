// Answers and webhooks of the simulated WhatsApp against Meta's own OpenAPI document, where that is at hand.

import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sharedFile } from '../simulators/shared-folder.ts';
import type { SayOptions } from '../simulators/whatsapp/people.ts';
import type { Said } from '../simulators/whatsapp/said.ts';
import { answerViolations, operationAt } from '../support/contract/answer-violations.ts';
import { skipUnless } from '../support/skip.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';
import { startWhatsapp, type GraphAnswer, type WhatsappWorld } from '../support/whatsapp.ts';

const SPEC = sharedFile('specs/whatsapp-business-messaging-api_v23.0.yaml');
const EXAMPLES = sharedFile('specs/fixtures/whatsapp-webhook-examples.json');
const ABSENT = 'needs ../shared/specs/whatsapp-business-messaging-api_v23.0.yaml';

let world: WhatsappWorld;
beforeEach(async () => void (world = await startWhatsapp()));
afterEach(() => world.sim.stop());

const ANSWERS: readonly [string, string, (ids: WhatsappWorld['tenant']) => Promise<GraphAnswer>][] = [
  ['GET', '/{Version}/{WABA-ID}/phone_numbers', ({ waba }) => world.get(`${waba.id}/phone_numbers`)],
  ['GET', '/{Version}/{WABA-ID}/message_templates', ({ waba }) => world.get(`${waba.id}/message_templates`)],
  ['GET', '/{Version}/{WABA-ID}/subscribed_apps', ({ waba }) => world.get(`${waba.id}/subscribed_apps`)],
  ['POST', '/{Version}/{WABA-ID}/subscribed_apps', ({ waba }) => world.post(`${waba.id}/subscribed_apps`, {})],
  ['GET', '/{Version}/{WABA-ID}', ({ waba }) => world.get(waba.id)],
  ['GET', '/{Version}/{Phone-Number-ID}', ({ number }) => world.get(number.id)],
  ['GET', '/{Version}/{Phone-Number-ID}/message_history', ({ number }) => world.get(`${number.id}/message_history`)],
  ['POST', '/{Version}/{Phone-Number-ID}/messages', () => world.sendText('16505551001')],
  ['GET', '/{Version}/{Media-ID}', () => world.get([...world.sim.media.all.keys()][0]!)],
];

test.for(ANSWERS)('the answer of %s %s is one that the document allows', async ([method, path, ask], context) => {
  skipUnless(context, SPEC, ABSENT);
  const { sim, tenant } = world;
  const person = sim.addPerson();
  sim.addTemplate(tenant.waba, { name: 'bill' });
  person.says(tenant.number, { type: 'image' });
  await world.sendText(person.waId!);
  sim.status(sim.sentTo(tenant.number)[0]!.id, 'sent');
  const operation = await operationAt(SPEC, method, path);
  const answer = await ask(tenant);
  expect(answer.status).toBe(200);
  expect(await answerViolations(operation, answer)).toEqual([]);
});

test.for([
  ['an unknown token', 401],
  ['a missing scope', 403],
  ['a full budget', 429],
  ['a limit out of bounds', 400],
  ['a failure of the platform', 500],
] as const)('the refusal of %s is one that the document allows', async ([what, status], context) => {
  skipUnless(context, SPEC, ABSENT);
  const { sim, tenant } = world;
  if (what === 'a missing scope') tenant.token.scopes = [];
  if (what === 'a full budget') sim.block(world.app, tenant.waba, 5);
  if (what === 'a failure of the platform') sim.refusals.add({ code: 2 });
  const path = `${tenant.waba.id}/phone_numbers${what === 'a limit out of bounds' ? '?limit=0' : ''}`;
  const answer = await world.get(path, what === 'an unknown token' ? 'EAAnobody' : undefined);
  const operation = await operationAt(SPEC, 'GET', '/{Version}/{WABA-ID}/phone_numbers');
  expect(answer.status).toBe(status);
  expect(await answerViolations(operation, answer)).toEqual([]);
});

test('the check of answers finds what is wrong', async (context) => {
  skipUnless(context, SPEC, ABSENT);
  const operation = await operationAt(SPEC, 'GET', '/{Version}/{WABA-ID}/phone_numbers');
  expect(await answerViolations(operation, { status: 200, body: { data: [{ id: 5 }] } })).not.toEqual([]);
});

// The document's schema of webhooks contradicts its own examples (2025-10-21), so those are what is compared with.
const SAID: readonly [string, Said, SayOptions?][] = [
  ['Text Message', { type: 'text', body: 'hi' }],
  ['Text Message with Context (Product Inquiry)', { type: 'text', body: 'hi' }, { replyTo: 'wamid.x' }],
  ['Text Message from Click to WhatsApp Ad', { type: 'text', body: 'hi' }, { referral: {} }],
  ['Reaction Message', { type: 'reaction', to: 'wamid.x', emoji: '👍' }],
  ['Image Message', { type: 'image', caption: 'us' }],
  [
    'Location Message',
    { type: 'location', latitude: 1.5, longitude: 2.5, name: 'Here', address: 'There', url: 'https://a.b' },
  ],
  ['Contact Sharing Message', { type: 'contacts', contacts: [] }],
  ['Unsupported Message', { type: 'unsupported' }],
  ['Button Message', { type: 'button', payload: 'p', text: 't' }, { replyTo: 'wamid.x' }],
  [
    'Interactive List Reply Message',
    { type: 'list_reply', id: '1', title: 'One', description: 'the first' },
    { replyTo: 'wamid.x' },
  ],
  ['Interactive Button Reply Message', { type: 'button_reply', id: 'yes', title: 'Yes' }, { replyTo: 'wamid.x' }],
  ['Order Message', { type: 'order', catalogId: '1', items: [] }],
];

/** What a test said itself, inside which nothing is compared. */
const OURS = /referred_product|referral\.|contacts\[\]\.|product_items\[\]\./;

test.for(SAID)('a webhook has every member of the example: %s', async ([name, said, options], context) => {
  skipUnless(context, EXAMPLES, 'needs ../shared/specs/fixtures/whatsapp-webhook-examples.json');
  const examples = JSON.parse(await readFile(EXAMPLES, 'utf8')) as Record<string, unknown>;
  const { sim, tenant, app } = world;
  const callback = await webhookReceiver(app);
  await sim.connect(app, callback.url);
  sim.addPerson().says(tenant.number, said, options);
  await sim.flush();
  const told = new Set(membersOf(callback.received[0]!.payload));
  const wanted = membersOf(examples[name]).filter((member) => !OURS.test(member.split('messages[]')[1] ?? ''));
  expect(wanted.length).toBeGreaterThan(10);
  expect(wanted.filter((member) => !told.has(member))).toEqual([]);
});

test('a webhook of a changed number has every member of the example', async (context) => {
  skipUnless(context, EXAMPLES, 'needs ../shared/specs/fixtures/whatsapp-webhook-examples.json');
  const examples = JSON.parse(await readFile(EXAMPLES, 'utf8')) as Record<string, unknown>;
  const { sim, tenant, app } = world;
  const callback = await webhookReceiver(app);
  await sim.connect(app, callback.url);
  sim.addPerson().changesNumber('12195555358', tenant.number);
  await sim.flush();
  const told = new Set(membersOf(callback.received[0]!.payload));
  expect(membersOf(examples['System Message']).filter((member) => !told.has(member))).toEqual([]);
});

/** `entry[].changes[].value.messages[].id string`: every member with its type. */
function membersOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => membersOf(item, `${path}[]`)))];
  if (typeof value !== 'object' || value === null) return [`${path} ${typeof value}`];
  return Object.entries(value).flatMap(([name, member]) => membersOf(member, path === '' ? name : `${path}.${name}`));
}
