// A thousand bots on one worker as it runs in production: its memory while every bot waits for updates and gets some, and how long
// it takes until all are listened to.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidv7 } from '../../../src/core/ids.ts';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { Secret } from '../../../src/core/secret.ts';
import { insertCredential } from '../../../src/store/credentials.ts';
import { sealCredential } from '../../../src/sync/credential-vault.ts';
import { publicRing, renderPublicKeys } from '../../../src/vault/key-ring.ts';
import { ensureSecretKeys } from '../../../src/vault/secret-keys-file.ts';
import { createSealer } from '../../../src/vault/sealer.ts';
import { UNLIMITED } from '../../simulators/telegram/limits.ts';
import { createTelegramSimulator } from '../../simulators/telegram/simulator.ts';
import { waitFor } from '../../support/wait.ts';
import type { BenchCase } from '../bench-case.ts';
import { perSecond } from '../measure.ts';
import { spawnRole } from '../processes/spawn-role.ts';
import type { BenchDatabase } from '../world.ts';

interface Bot {
  readonly id: number;
  readonly credentials: { readonly bot_token: string };
}

async function connectBots(
  database: BenchDatabase,
  bots: readonly Bot[],
  sealer: ReturnType<typeof createSealer>,
): Promise<void> {
  const userId = uuidv7();
  await database.asSuperuser(`insert into users (id, email, name) values ($1, 'bench@example.test', 'Bench')`, [
    userId,
  ]);
  const ids = bots.map(() => uuidv7());
  await database.asSuperuser(
    `insert into integrations (id, user_id, platform_id, external_account_id, account_proven_at, status)
     select u.id, $1, 'telegram', u.account, now(), 'connected'
     from unnest($2::uuid[], $3::text[]) as u (id, account)`,
    [userId, ids, bots.map(({ id }) => String(id))],
  );
  await database.open('tidemark_api', 1).tx({ kind: 'user', userId }, async (tx) => {
    for (const [index, { credentials }] of bots.entries()) {
      const target = { integrationId: ids[index]!, userId, version: 1, expiresAt: null };
      await insertCredential(tx, sealCredential(sealer, target, new Secret<unknown>(credentials), 'telegram'));
    }
  });
}

export const receivers: BenchCase = {
  name: 'receivers',
  async run(world, { quick, note }) {
    const count = quick ? 200 : 1_000;
    const rounds = quick ? 5 : 20;
    const database = await world.createDatabase();
    const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-bench-keys-'));
    const keyFile = path.join(folder, 'keys.json');
    const ring = publicRing(
      [...(await ensureSecretKeys(keyFile, new Date())).values()].map(({ publicKey }) => publicKey),
    );
    const sim = createTelegramSimulator({ limits: UNLIMITED, traps: { antiHammering: false, smoothConflicts: false } });
    await sim.start();
    const bots = Array.from({ length: count }, () => sim.addBot());
    await connectBots(database, bots, createSealer(ring));
    const stored = async (): Promise<number> =>
      (await database.asSuperuser<{ n: number }>('select count(*)::int as n from webhook_inbox'))[0]!.n;
    const begun = performance.now();
    const worker = spawnRole(
      'worker',
      {
        DATABASE_URL: database.urlOf('tidemark_worker'),
        TIDEMARK_SECRET_KEYS_FILE: keyFile,
        TIDEMARK_PUBLIC_KEYS: renderPublicKeys(ring.keys),
        TELEGRAM_BASE_URL: sim.baseUrl,
      },
      ['--max-semi-space-size=4'],
    );
    try {
      note(`${count} bots on one worker`);
      await Promise.all(bots.map((bot) => bot.untilPolling()));
      const listeningMs = performance.now() - begun;
      const chats = bots.map(() => sim.addPerson().chat);
      const from = performance.now();
      let peak = 0;
      for (let round = 1; round <= rounds; round += 1) {
        for (const [index, bot] of bots.entries()) bot.say(chats[index]!, { text: 'x'.repeat(200) });
        await waitFor(async () => (await stored()) >= round * count, {
          what: `round ${round}`,
          timeoutMs: 2 * MINUTE_MS,
        });
        peak = Math.max(peak, await worker.rssMb());
      }
      const ms = performance.now() - from;
      await delay(2_000);
      const idle = await worker.rssMb();
      return [
        {
          name: `receivers, memory of a worker that listens to ${count} bots`,
          unit: 'MB RSS',
          ours: Math.max(peak, idle),
          reference: null,
          ratio: null,
          target: { of: 'ours', atMost: 512 },
          details: { idle, allListeningAfterMs: listeningMs, updatesPerSecond: perSecond(rounds * count, ms) },
        },
      ];
    } finally {
      await worker.stop();
      await sim.stop();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
