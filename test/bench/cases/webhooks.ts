// How fast webhooks are answered: 500 a second, whether answers come or not, to an api process as it runs in production. Latency is
// counted from when a webhook was due, so a server that stands still is not let off.

import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { sha256 } from '../../../src/webhooks/verify.ts';
import { freePort } from '../../support/free-port.ts';
import { waitFor } from '../../support/wait.ts';
import type { BenchCase } from '../bench-case.ts';
import { quantile } from '../measure.ts';
import { spawnRole } from '../processes/spawn-role.ts';

const PER_SECOND = 500;
const BOT = '4711';
const SECRET = 'a-secret-of-the-bench';
const CHATS = 200;

function update(n: number): string {
  const chat = { id: 1_000 + (n % CHATS), type: 'private', first_name: 'Person' };
  const from = { ...chat, is_bot: false };
  const text = 'x'.repeat(200);
  return JSON.stringify({ update_id: n, message: { message_id: n, date: 1_790_000_000 + n, chat, from, text } });
}

interface Answer {
  readonly ms: number;
  readonly status: number;
}

function post(agent: http.Agent, port: number, body: string, dueAt: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': SECRET };
  const request = http.request(
    { port, agent, method: 'POST', path: `/webhooks/telegram/${BOT}`, headers },
    (response) => {
      response.resume();
      response.once('end', () => resolve({ ms: performance.now() - dueAt, status: response.statusCode ?? 0 }));
    },
  );
  request.once('error', reject);
  request.end(body);
  return promise;
}

/** Webhooks at their times, for so many seconds. */
async function load(port: number, seconds: number, first: number): Promise<readonly Answer[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
  const begun = performance.now();
  const answers: Promise<Answer>[] = [];
  for (let n = 0; n < seconds * PER_SECOND; n += 1) {
    const dueAt = begun + (n * 1_000) / PER_SECOND;
    const ahead = dueAt - performance.now();
    if (ahead > 1) await delay(ahead);
    answers.push(post(agent, port, update(first + n), dueAt));
  }
  const all = await Promise.all(answers);
  agent.destroy();
  return all;
}

export const webhooks: BenchCase = {
  name: 'webhooks',
  async run(world, { quick, note }) {
    const database = await world.createDatabase();
    const port = await freePort();
    const userId = '01890000-0000-7000-8000-000000000001';
    await database.asSuperuser(`insert into users (id, email, name) values ($1, 'bench@example.test', 'Bench')`, [
      userId,
    ]);
    await database.asSuperuser(
      `insert into integrations (user_id, platform_id, external_account_id, account_proven_at, status)
       values ($1, 'telegram', $2, now(), 'connected')`,
      [userId, BOT],
    );
    await database.asSuperuser(
      `insert into event_receivers (platform_id, account_key, mode, secret_hash) values ('telegram', $1, 'webhook', $2)`,
      [BOT, sha256(SECRET)],
    );
    const api = spawnRole('api', { DATABASE_URL: database.urlOf('tidemark_api'), PORT: String(port) });
    try {
      await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, {
        what: 'the api',
        timeoutMs: MINUTE_MS,
      });
      await load(port, 2, 0);
      const seconds = quick ? 8 : 30;
      note(`${PER_SECOND} webhooks a second for ${seconds} s`);
      const answers = await load(port, seconds, 1_000_000);
      const refused = answers.filter(({ status }) => status !== 200).length;
      const [stored] = await database.asSuperuser<{ n: number }>(`select count(*)::int as n from webhook_inbox`);
      const times = answers.map(({ ms }) => ms);
      return [
        {
          name: `webhooks, p99 of the answer at ${PER_SECOND}/s`,
          unit: 'ms',
          ours: quantile(times, 0.99),
          reference: null,
          ratio: null,
          target: { of: 'ours', atMost: 50 },
          details: {
            p50: quantile(times, 0.5),
            p999: quantile(times, 0.999),
            max: Math.max(...times),
            answers: answers.length,
            refused,
            stored: stored!.n,
          },
        },
      ];
    } finally {
      await api.stop();
      await database.drop();
    }
  },
};
