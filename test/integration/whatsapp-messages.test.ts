// WhatsApp from end to end: signed webhooks through the door and the inbox into rows, sends with their statuses.

import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { whatsapp } from '../../src/connectors/whatsapp/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { findOutbound } from '../../src/store/outbound.ts';
import { putWebhookApp } from '../../src/store/webhook-apps.ts';
import { generateKeyPair, publicRing } from '../../src/vault/key-ring.ts';
import { createOpener } from '../../src/vault/opener.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import { sha256 } from '../../src/webhooks/verify.ts';
import { createWebhookSecrets, webhookAppContext } from '../../src/webhooks/webhook-secrets.ts';
import { startApi } from '../support/api.ts';
import { memoryQueue } from '../support/memory-queue.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTalkWorld, type Account, type TalkWorld } from '../support/talk-world.ts';
import { startWhatsapp, type WhatsappWorld } from '../support/whatsapp.ts';

let database: TestDatabase;
let platform: WhatsappWorld;
let world: TalkWorld;
let account: Account;

beforeAll(async () => {
  database = await createTestDatabase();
});

beforeEach(async () => {
  platform = await startWhatsapp({ retryDelaysMs: [1, 1, 1] });
  onTestFinished(() => platform.sim.stop());
  const { sim, app, tenant } = platform;
  world = await createTalkWorld(database, {
    connector: whatsapp,
    baseUrl: sim.baseUrl,
    credentialsOf: () => tenant.credentials,
  });
  account = await world.connect(tenant.number.id, { waba_id: tenant.waba.id });
  const db = database.open('tidemark_api');
  const keys = generateKeyPair();
  const sealer = createSealer(publicRing([keys.publicKey]));
  const sealed = sealer.seal(new Secret(app.secret), webhookAppContext('whatsapp', app.id));
  await putWebhookApp(db, { platform: 'whatsapp', appId: app.id, ...sealed, verifyTokenHash: sha256(app.verifyToken) });
  const opener = () => Promise.resolve(createOpener(new Map([[keys.publicKey.id, keys]])));
  const { address } = await startApi(db, {
    queue: { ...memoryQueue([]), enqueueMany: world.deps.queue.enqueueMany },
    webhookSecrets: createWebhookSecrets({ db, clock: systemClock, opener }),
  });
  expect(await sim.connect(app, `${address}/webhooks/whatsapp/${app.id}`)).toMatchObject({ isVerified: true });
});

const deliver = async (): Promise<void> => {
  await platform.sim.flush();
  await world.processAll(3);
};
const rows = () => world.messages(account);
const dead = () =>
  world.ask(`select kind, error from webhook_inbox where integration_id = $1 and state = 'dead'`, [
    account.integrationId,
  ]);

describe('what people write', () => {
  test('a message becomes a row in its chat, with letters that Meta escapes', async () => {
    const { sim, tenant } = platform;
    const ada = sim.addPerson({ name: 'Ada' });
    ada.says(tenant.number, 'hé / <you> 🦊');
    await deliver();
    expect(await rows()).toMatchObject([
      { direction: 'inbound', content: 'hé / <you> 🦊', status: 'received', message_type: 'text' },
    ]);
    expect(
      await world.ask('select kind, title from conversations where integration_id = $1', [account.integrationId]),
    ).toEqual([{ kind: 'direct', title: 'Ada' }]);
    expect(await dead()).toEqual([]);
  });

  test('somebody whose number is hidden is known by his user id', async () => {
    const { sim, tenant } = platform;
    const hidden = sim.addPerson({ waId: null });
    hidden.says(tenant.number, 'hello');
    await deliver();
    expect(await rows()).toMatchObject([{ content: 'hello', chat_key: hidden.userId(tenant.waba) }]);
  });

  test('a webhook that is repeated for days stores nothing twice', async () => {
    const { sim, tenant } = platform;
    const ada = sim.addPerson();
    for (const text of ['one', 'two', 'three']) ada.says(tenant.number, text);
    await deliver();
    for (const delivery of sim.sender.deliveries.slice()) sim.sender.replay(delivery);
    await deliver();
    expect(await rows()).toHaveLength(3);
    expect(
      await world.ask('select count(*)::int as n from webhook_inbox where integration_id = $1', [
        account.integrationId,
      ]),
    ).toEqual([{ n: 3 }]);
  });

  test('numbers of several tenants in one call get what is theirs', async () => {
    const { sim, tenant } = platform;
    const other = sim.addTenant();
    const theirs = await world.connect(other.number.id, { waba_id: other.waba.id });
    const ada = sim.addPerson();
    await sim.together(() => {
      ada.says(tenant.number, 'to the first');
      ada.says(other.number, 'to the second');
    });
    await deliver();
    expect((await rows()).map(({ content }) => content)).toEqual(['to the first']);
    expect((await world.messages(theirs)).map(({ content }) => content)).toEqual(['to the second']);
  });

  test('a failed status does not take the messages of its call with it', async () => {
    const { sim, tenant } = platform;
    const ada = sim.addPerson();
    ada.says(tenant.number, 'before');
    await deliver();
    const id = await world.queueMessage(account, (await rows())[0]!['chat_key'] as string, 'hello');
    await world.send(id);
    const sent = sim.sentTo(tenant.number, ada)[0]!;
    await sim.together(() => {
      sim.status(sent.id, 'failed');
      ada.says(tenant.number, 'after');
    });
    await deliver();
    const texts = (await rows()).filter(({ direction }) => direction === 'inbound').map(({ content }) => content);
    expect(texts.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual(['after', 'before']);
  });
});

describe('what we send', () => {
  const open = async (): Promise<string> => {
    const ada = platform.sim.addPerson();
    ada.says(platform.tenant.number, 'hi');
    await deliver();
    return (await rows())[0]!['chat_key'] as string;
  };
  const outbound = async (id: string) =>
    await database.open('tidemark_api', 1).tx({ kind: 'user', userId: account.userId }, (tx) => findOutbound(tx, id));

  test('its statuses never go backwards, in whatever order they come', async () => {
    const id = await world.queueMessage(account, await open(), 'hello');
    expect(await world.send(id)).toMatchObject({ result: { status: 'sent' } });
    const wamid = platform.sim.sentTo(platform.tenant.number)[0]!.id;
    for (const status of ['read', 'delivered', 'sent'] as const) {
      platform.sim.status(wamid, status);
      await deliver();
    }
    expect(await outbound(id)).toMatchObject({ status: 'read' });
    expect((await rows()).find(({ direction }) => direction === 'outbound')).toMatchObject({
      content: 'hello',
      status: 'read',
    });
  });

  test('a failure that comes later is told with its reason', async () => {
    const id = await world.queueMessage(account, await open(), 'hello');
    await world.send(id);
    platform.sim.status(platform.sim.sentTo(platform.tenant.number)[0]!.id, 'failed');
    await deliver();
    expect(await outbound(id)).toMatchObject({ status: 'failed', error: { code: 'message.refused' } });
  });

  test('outside of the 24 hours a text is refused by name', async () => {
    const chat = await open();
    platform.pass(25 * 3_600_000);
    const id = await world.queueMessage(account, chat, 'too late');
    expect(await world.send(id)).toMatchObject({ result: { status: 'failed', code: 'message.window_closed' } });
  });

  test('a send whose answer was lost is in doubt and not repeated', async () => {
    const id = await world.queueMessage(account, await open(), 'hello');
    platform.sim.faults.add({ match: { operation: 'messages' }, fault: { kind: 'reset-after-processing' }, times: 1 });
    expect(await world.send(id)).toMatchObject({ result: { status: 'unknown' } });
    await world.send(id);
    expect(platform.sim.sentTo(platform.tenant.number)).toHaveLength(1);
  });
});
