// Real processes that listen and send, killed in the middle of it: every update is stored once, no message is sent twice.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { telegram } from '../../src/connectors/telegram/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { queueMessage } from '../../src/messages/queue-message.ts';
import { addAccount } from '../../src/ops/accounts.ts';
import { addUser } from '../../src/store/users.ts';
import { publicRing, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { ensureSecretKeys } from '../../src/vault/secret-keys-file.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import { spawnRole, type RoleProcess } from '../bench/processes/spawn-role.ts';
import { UNLIMITED } from '../simulators/telegram/limits.ts';
import { createTelegramSimulator } from '../simulators/telegram/simulator.ts';
import { apiQueue } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { waitFor } from '../support/wait.ts';

const PATIENCE_MS = 60_000;
const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const api = engine.databases.api;
const queue = apiQueue(api, engine.driver);

test(
  'SIGKILL of the worker that listens and sends loses no update and sends nothing twice',
  { timeout: 180_000 },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-talk-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const keyFile = path.join(folder, 'keys.json');
    const ring = publicRing(
      [...(await ensureSecretKeys(keyFile, new Date())).values()].map(({ publicKey }) => publicKey),
    );
    const sim = createTelegramSimulator({ limits: UNLIMITED, traps: { antiHammering: false, smoothConflicts: false } });
    await sim.start();
    onTestFinished(() => sim.stop());
    const bot = sim.addBot();
    const { id: integrationId } = await api.tx({ kind: 'ops' }, async (tx) => {
      const user = await addUser(tx, { email: 'ada@example.test', name: 'Ada' });
      return await addAccount(tx, {
        sealer: createSealer(ring),
        connector: telegram,
        credential: new Secret<unknown>(bot.credentials),
        userId: user.id,
        schedule: {},
        settings: telegram.settings.parse({}),
        now: new Date(),
      });
    });
    const env = {
      TIDEMARK_SECRET_KEYS_FILE: keyFile,
      TIDEMARK_PUBLIC_KEYS: renderPublicKeys(ring.keys),
      TELEGRAM_BASE_URL: sim.baseUrl,
      // What is sent here is sent as fast as it goes.
      TIDEMARK_LIMITS: JSON.stringify(
        Object.fromEntries(telegram.limits.map(({ id }) => [id, { requests: 1_000, perMs: 1_000, burst: 1_000 }])),
      ),
    };
    const running = new Set<RoleProcess>();
    const spawnWorker = (): RoleProcess => {
      const worker = spawnRole('worker', { ...env, DATABASE_URL: engine.urlOf('tidemark_worker') });
      running.add(worker);
      return worker;
    };
    running.add(spawnRole('scheduler', { DATABASE_URL: engine.urlOf('tidemark_scheduler') }));
    onTestFinished(async () => void (await Promise.all([...running].map((one) => one.stop()))));
    const kill = async (worker: RoleProcess): Promise<void> => {
      running.delete(worker);
      worker.process.kill('SIGKILL');
      await waitFor(() => worker.process.signalCode !== null, { what: 'the worker to die' });
    };

    let worker = spawnWorker();
    await bot.untilPolling();
    const people = Array.from({ length: 20 }, () => sim.addPerson());
    const chat = people[0]!.chat;
    const deps = { queue, clock: systemClock, connectorOf: () => telegram };
    let said = 0;
    let asked = 0;
    for (let round = 0; round < 3; round += 1) {
      const next = spawnWorker();
      for (let n = 0; n < 100; n += 1) bot.say(people[said++ % people.length]!.chat, { text: `word ${said}` });
      for (let n = 0; n < 10; n += 1) {
        const message = { type: 'text', chat: String(chat.id), text: `answer ${asked++}` } as const;
        const request = { integrationId, message, allowRepeat: false, uniqueKey: null, notBefore: null };
        await api.tx({ kind: 'ops' }, (tx) => queueMessage(tx, deps, request));
      }
      // In the middle of both.
      await waitFor(() => sim.sentTo(bot, chat).length > round * 10 + 2, {
        what: 'some answers',
        timeoutMs: PATIENCE_MS,
      });
      await kill(worker);
      worker = next;
    }
    const count = async (text: string): Promise<number> =>
      (await engine.asSuperuser<{ n: number }>(`select count(*)::int as n from ${text}`))[0]!.n;
    await waitFor(async () => (await count(`messages where direction = 'inbound'`)) >= said, {
      what: 'every word',
      timeoutMs: PATIENCE_MS,
    });
    await waitFor(async () => (await count(`outbound_messages where status in ('queued', 'sending')`)) === 0, {
      what: 'every answer',
      timeoutMs: PATIENCE_MS,
    });

    expect(await count(`webhook_inbox where state <> 'done'`)).toBe(0);
    expect(await count(`messages where direction = 'inbound'`)).toBe(said);
    const arrived = sim.sentTo(bot, chat).map(({ text }) => String(text));
    expect(new Set(arrived).size, 'twice').toBe(arrived.length);
    const numbers = arrived.map((text) => Number(text.split(' ')[1]));
    expect(numbers, 'order').toEqual(numbers.toSorted((a, b) => a - b));
    // Only what a killed worker had in hand may be in doubt: one message of the chat at a time.
    const sent = await count(`outbound_messages where status = 'sent'`);
    const unknown = await count(`outbound_messages where status = 'unknown'`);
    expect(sent + unknown).toBe(asked);
    expect(unknown).toBeLessThanOrEqual(3);
    expect(arrived.length).toBeGreaterThanOrEqual(sent);
  },
);
