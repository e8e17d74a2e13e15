// What the simulated WhatsApp tells of an owner's phone: messages from before, sent from there, and contacts (coexistence).

import { afterEach, beforeEach, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/duration.ts';
import type { Person } from '../simulators/whatsapp/people.ts';
import { startWhatsapp, type WhatsappWorld } from '../support/whatsapp.ts';
import { webhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

let world: WhatsappWorld;
let person: Person;
let callback: WebhookReceiver;
beforeEach(async () => {
  world = await startWhatsapp();
  callback = await webhookReceiver(world.app);
  await world.sim.connect(world.app, callback.url);
  person = world.sim.addPerson({ name: 'Ada' });
});
afterEach(() => world.sim.stop());

const ago = (days: number): Date => new Date(world.now.getTime() - days * DAY_MS);

it('shares its history in chunks of three phases, with their order and progress', async () => {
  const messages = [0.5, 30, 60, 120, 200].map((days) => ({
    by: 'person' as const,
    said: `${days} days ago`,
    at: ago(days),
  }));
  const count = world.sim.shareHistory(world.tenant.number, [{ person, messages }], { chunkSize: 1 });
  await world.sim.flush();
  const chunks = callback.all('history').map(({ metadata }) => metadata);
  expect(count).toBe(4);
  expect(chunks).toEqual([
    { phase: 0, chunk_order: 1, progress: 25 },
    { phase: 1, chunk_order: 1, progress: 50 },
    { phase: 1, chunk_order: 2, progress: 75 },
    { phase: 2, chunk_order: 1, progress: 100 },
  ]);
});

it('tells chunks in any order, and a phase without messages not at all', async () => {
  const messages = [0.5, 120].map((days) => ({ by: 'person' as const, said: 'hi', at: ago(days) }));
  world.sim.shareHistory(world.tenant.number, [{ person, messages }], { order: 'reversed' });
  await world.sim.flush();
  const phases = callback.all('history').map(({ metadata }) => (metadata as { phase: number }).phase);
  expect(phases).toEqual([2, 0]);
});

it('puts both sides into a thread per person; files come apart, those of 14 days only', async () => {
  const messages = [
    { by: 'business' as const, said: 'hello', at: ago(20), status: 'DELIVERED' as const },
    { by: 'person' as const, said: { type: 'image' as const }, at: ago(15) },
    { by: 'person' as const, said: { type: 'image' as const, caption: 'new' }, at: ago(13) },
  ];
  world.sim.shareHistory(world.tenant.number, [{ person, messages }]);
  await world.sim.flush();
  const [{ threads }] = callback.all('history') as [{ threads: { id: string; messages: object[] }[] }];
  expect(threads).toMatchObject([
    {
      id: person.waId,
      messages: [
        { from: world.tenant.number.digits, history_context: { status: 'DELIVERED', from_me: true } },
        { from: person.waId, type: 'media_placeholder' },
        { from: person.waId, type: 'media_placeholder' },
      ],
    },
  ]);
  expect(callback.all('messages')).toMatchObject([{ type: 'image', image: { caption: 'new' } }]);
  expect(callback.changes().map(({ field }) => field)).toEqual(['history', 'history']);
});

it('may hold thousands of messages in one POST', async () => {
  const messages = Array.from({ length: 3_000 }, () => ({ by: 'person' as const, said: 'hi', at: ago(2) }));
  world.sim.shareHistory(world.tenant.number, [{ person, messages }], { chunkSize: 5_000 });
  await world.sim.flush();
  const [{ threads }] = callback.all('history') as [{ threads: { messages: object[] }[] }];
  expect(threads[0]!.messages).toHaveLength(3_000);
});

it('may keep the history to itself: 2593109', async () => {
  world.sim.declineHistory(world.tenant.number);
  await world.sim.flush();
  expect(callback.all('history')).toMatchObject([{ errors: [{ code: 2_593_109 }] }]);
});

it('is asked once, within a day of the onboarding', async () => {
  const path = `${world.tenant.number.id}/smb_app_data`;
  const ask = { messaging_product: 'whatsapp', sync_type: 'history' };
  expect((await world.post(path, ask)).error['code']).toBe(100);
  world.tenant.number.onboardedAt = world.now;
  expect((await world.post(path, ask)).body).toMatchObject({ messaging_product: 'whatsapp' });
  expect((await world.post(path, ask)).error['code']).toBe(100);
  world.pass(DAY_MS + 1);
  expect((await world.post(path, { ...ask, sync_type: 'smb_app_state_sync' })).error['code']).toBe(100);
});

it('echoes what the owner sends, and its contacts', async () => {
  const id = world.sim.echo(world.tenant.number, person, 'from my phone');
  world.sim.phoneContacts(world.tenant.number, [person]);
  world.sim.phoneContacts(world.tenant.number, [person], 'remove');
  await world.sim.flush();
  expect(callback.all('message_echoes')).toMatchObject([
    { id, from: world.tenant.number.digits, to: person.waId, text: { body: 'from my phone' } },
  ]);
  expect(callback.all('state_sync')).toMatchObject([
    { action: 'add', contact: { full_name: 'Ada', phone_number: person.waId } },
    { action: 'remove', contact: { phone_number: person.waId } },
  ]);
});

it('names somebody without a phone number by user id, in echoes, contacts and threads', async () => {
  const hidden = world.sim.addPerson({ waId: null, username: 'eve', name: 'Eve' });
  const userId = hidden.userId(world.tenant.waba);
  world.sim.echo(world.tenant.number, hidden, 'from my phone');
  world.sim.phoneContacts(world.tenant.number, [hidden]);
  const messages = [{ by: 'business' as const, said: 'hello', at: ago(1) }];
  world.sim.shareHistory(world.tenant.number, [{ person: hidden, messages }]);
  await world.sim.flush();
  const [echo] = callback.all('message_echoes');
  expect(echo).toMatchObject({ from: world.tenant.number.digits, to_user_id: userId });
  expect(echo).not.toHaveProperty('to');
  expect(callback.all('contacts')).toEqual([{ profile: { name: 'Eve', username: 'eve' }, user_id: userId }]);
  expect(callback.all('state_sync')).toMatchObject([{ contact: { full_name: 'Eve', user_id: userId } }]);
  const [{ threads }] = callback.all('history') as [{ threads: object[] }];
  expect(threads[0]).toMatchObject({ context: { user_id: userId, username: 'eve' }, messages: [{}] });
  expect(threads[0]).not.toHaveProperty('id');
});
