// What is done to an installation with secrets in hand: every door, every wrong place for a secret, every way in which a
// platform repeats one.

import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { expect } from 'vitest';
import { OPERATIONS } from '../../src/api/contract/operations.ts';
import type { Operation } from '../../src/api/contract/operation.ts';
import type { Canary } from './canaries.ts';
import { ECHOES, type Echo } from './echoing-platform.ts';
import type { LeakWorld } from './leak-world.ts';
import { waitFor } from './wait.ts';

const NO_ID = '01890000-0000-7000-8000-00000000000a';

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';
const pick = (from: string): string => from.charAt(randomInt(from.length));

/** Of no known form, and each character drawn alone: two of them share a piece in no form (six characters in hex). */
export const secretText = (): string =>
  Array.from({ length: 11 }, () => `${pick(LETTERS)}${pick(LETTERS)}${pick(DIGITS)}`).join('');

/** Streams whose runs are listened to one by one; the others only have to end or to wait. */
const FOLLOWED: ReadonlySet<string> = new Set(['profile', 'jobs', 'proposals']);

const SETTINGS = { saved_searches: [{ name: 'node' }] };

/** An account whose platform answers as asked for; the id of the integration. */
async function connect(world: LeakWorld, admin: string, userId: string, echo: Echo): Promise<string> {
  const { credentials } = world.platform.addAccount(echo);
  const body = { userId, platform: 'upwork', credentials, settings: SETTINGS, schedule: { intervalMinutes: 44_640 } };
  // An answer that is kept for a day must not keep the credential of its question.
  const { response, text } = await world.ask('POST', '/v1/integrations', admin, {
    body,
    headers: { 'idempotency-key': `connect-${echo}` },
  });
  expect(response.status, text).toBe(201);
  return (JSON.parse(text) as { id: string }).id;
}

async function runToItsEnd(world: LeakWorld, admin: string, id: string, echo: Echo): Promise<void> {
  await world.ask('POST', `/v1/integrations/${id}/test`, admin);
  const begun = await world.ask('POST', `/v1/integrations/${id}/sync`, admin, { body: {} });
  expect(begun.response.status, begun.text).toBe(202);
  // Nothing begins where the scheduler's first runs have ended and parked the streams; those runs say as much.
  const { text } = await world.ask('GET', `/v1/runs?integrationId=${id}`, admin);
  const items = (JSON.parse(text) as { items: { id: string; stream: string }[] }).items;
  const runs = items.filter(({ stream }) => FOLLOWED.has(stream)).map(({ id: runId }) => runId);
  expect(runs.length, text).toBeGreaterThan(0);
  for (const runId of runs) {
    // A run behind one that waits for its next attempt is pending; either has shown what it says.
    const told = await world.listen(`/v1/runs/${runId}/events`, admin, /"status":"(?!queued|running)/);
    expect(told, `the run at a platform that answers ${echo}`).toMatch(/^event: (?:run|end)/m);
    await world.ask('GET', `/v1/runs/${runId}`, admin);
  }
}

/** Every run has asked its platform, and has ended or waits. */
async function untilQuiet(world: LeakWorld, admin: string): Promise<void> {
  const isQuiet = async (): Promise<boolean> => {
    const { text } = await world.ask('GET', '/v1/runs?limit=200', admin);
    return !/"status":"(?:queued|running)"/.test(text);
  };
  await waitFor(isQuiet, { timeoutMs: 60_000, what: 'the runs to end or to wait' });
}

/** Accounts at a platform that repeats credentials in every way; answers the id of one that works. */
export async function syncAtEchoingPlatform(
  world: LeakWorld,
  admin: string,
  echoes: readonly Echo[] = ECHOES,
): Promise<string> {
  const app = world.platform.addAccount('none').app;
  const appFile = await world.file('app.json', { client_id: app.clientId, client_secret: app.clientSecret });
  await world.run(['integrations', 'oauth-app', '--platform', 'upwork', '--credentials-file', appFile]);
  const userId = await world.run(['users', 'add', '--email', 'ada@example.test', '--name', 'Ada']);
  const visit = async (echo: Echo): Promise<string> => {
    const id = await connect(world, admin, userId, echo);
    await runToItsEnd(world, admin, id, echo);
    return id;
  };
  const ids = await Promise.all(echoes.filter((echo) => echo !== 'page').map(visit));
  // A page instead of an answer pauses the whole platform, so it comes last.
  if (echoes.includes('page')) await visit('page');
  await untilQuiet(world, admin);
  expect([...world.platform.seen].sort()).toEqual([...echoes].sort());
  return ids[0]!;
}

/** Credentials in good and broken forms, by command line and API; answers the text that was pasted. */
export async function misgiveCredentials(world: LeakWorld, admin: string, id: string): Promise<readonly Canary[]> {
  const word = secretText();
  const { credentials } = world.platform.addAccount('none');
  const bad = [
    `{"access_token": "${word}", `,
    { access_token: [word] },
    { [word]: 1, access_token: word, expires_at: word },
    { ...credentials, [word]: word },
    word,
  ];
  const add = ['integrations', 'add', '--user', 'ada@example.test', '--platform', 'upwork', '--credentials-file'];
  const settingsFile = await world.file('settings.json', { api_key: word, [word]: word });
  await Promise.all([
    ...bad.slice(0, 2).map(async (content, n) => await world.run([...add, await world.file(`bad${n}.json`, content)])),
    world.run([...add, await world.file('good.json', credentials), '--settings-file', settingsFile]),
    world.run(['integrations', 'credentials', id, '--credentials-file', await world.file('new.json', credentials)]),
  ]);
  const place = `/v1/integrations/${id}`;
  const calls = bad.flatMap((content): [string, string, unknown][] => [
    ['POST', '/v1/integrations', { userId: NO_ID, platform: 'upwork', credentials: content, settings: {} }],
    ['PUT', `${place}/credentials`, { credentials: content }],
    ['PUT', `${place}/credentials`, content],
    ['PATCH', place, { settings: { api_key: content } }],
    ['PATCH', place, { settings: content }],
  ]);
  for (const [method, url, body] of calls) await world.ask(method, url, admin, { body });
  return [{ name: 'pasted secret', value: word }];
}

/** Every operation and page, with a secret wherever something else belongs. */
export async function misuseDoors(world: LeakWorld, tokens: readonly string[]): Promise<readonly Canary[]> {
  const word = secretText();
  for (const token of tokens) {
    for (const { method, path: place, form } of Object.values(OPERATIONS) as Operation[]) {
      const url = place.replaceAll(/\{(\w+)\}/g, NO_ID);
      const pasted = place.replaceAll(/\{(\w+)\}/g, word);
      const hasBody = method !== 'GET' && method !== 'DELETE';
      const body = hasBody ? { [word]: word, credentials: word, payload: { token: word }, kind: word } : undefined;
      await world.ask(method, `${url}?token=${word}`, token, { body });
      await world.ask(method, pasted, token, { body: hasBody ? `{"broken": "${word}` : undefined });
      if (form === 'json') await world.ask(method, url, token, { body, headers: { 'idempotency-key': word } });
    }
  }
  const [admin = ''] = tokens;
  const basic = { authorization: `Basic ${Buffer.from(`ops:${word}`).toString('base64')}` };
  const strange = { 'content-type': `application/${word}` };
  await world.ask('GET', '/v1/users', '', { headers: basic });
  await world.ask('GET', '/v1/users', '', { headers: { authorization: word } });
  await world.ask('GET', '/queues', '', { headers: { cookie: `tidemark_session=${word}` } });
  await world.ask('POST', '/v1/users', admin, { body: word, headers: strange });
  await world.ask('POST', '/v1/jobs', admin, { body: { kind: 'credential.test', payload: { token: word } } });
  await world.ask('PUT', `/queues/api/queues/maintenance/${word}/retry`, admin);
  for (const place of [
    `/v1/%E0%A4%A${word}`,
    `/bot123456789:${word}/x`,
    `/webhooks/telegram/${word}`,
    `/docs/${word}`,
    `/oauth/callback/upwork?code=${word}&state=${word}`,
    `/oauth/callback/${word}?error=${word}&error_description=${word}`,
    `/queues/queue/${word}?token=${word}`,
    `/queues/api/queues/maintenance/${word}`,
    `/queues/queue/sync-upwork/${word}`,
    `/metrics?token=${word}`,
  ])
    await world.ask('GET', place, admin);
  const form = { 'content-type': 'application/x-www-form-urlencoded', origin: world.address };
  const body = new URLSearchParams({ token: word, next: `/queues?${word}` }).toString();
  await world.ask('POST', '/sign-in', '', { body, headers: form });
  return [{ name: 'secret in the wrong place', value: word }];
}

/** Signs in and out as a browser does. */
export async function useSession(world: LeakWorld, admin: string): Promise<readonly Canary[]> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: world.address };
  const body = new URLSearchParams({ token: admin, next: '/queues' }).toString();
  const { response, text } = await world.ask('POST', '/sign-in', '', { body, headers });
  const session = /tidemark_session=([\w-]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1] ?? '';
  expect([response.status, session.length], text).toEqual([303, 43]);
  const cookie = { cookie: `tidemark_session=${session}`, authorization: '', origin: world.address };
  for (const place of ['/', '/queues', '/queues/api/queues', '/sign-out'])
    await world.ask('GET', place, '', { headers: cookie });
  for (const verb of ['pause', 'resume', 'retry/failed', 'promote', 'clean/completed'])
    await world.ask('PUT', `/queues/api/queues/maintenance/${verb}`, '', { headers: cookie });
  await world.ask('POST', '/sign-out', '', { body: '', headers: { ...cookie, ...headers } });
  return [{ name: 'session', value: session }];
}

/** A service that enqueues by SQL, with wrong words too; what it says is its own, what is kept of it is ours. */
export async function useSqlDoor(world: LeakWorld, superuser: string): Promise<readonly Canary[]> {
  const [password, word] = [secretText(), secretText()];
  const owner = new Client({ connectionString: await world.databaseUrl('postgres', superuser) });
  await owner.connect();
  await owner.query(`create role leak_producer login password '${password}' in role tidemark_producer`);
  await owner.end();
  const producer = new Client({ connectionString: await world.databaseUrl('leak_producer', password) });
  await producer.connect();
  for (const [kind, payload, options] of [
    ['credential.test', JSON.stringify(word), '{}'],
    [word, '{}', '{}'],
    ['credential.test', '{}', JSON.stringify(word)],
    ['credential.test', '{}', JSON.stringify({ [word]: 1 })],
    ['credential.test', '{}', JSON.stringify({ queue: word })],
    ['credential.test', '{}', JSON.stringify({ class: word, user_id: word })],
    ['credential.test', '{}', JSON.stringify({ run_at: word })],
    ['credential.test', '{}', JSON.stringify({ priority: word })],
  ])
    await producer.query('select tidemark_enqueue($1, $2, $3)', [kind, payload, options]).catch(() => undefined);
  // Fits no schema: a dead letter with the reason.
  await producer.query(`select tidemark_enqueue('credential.test', '{"integrationId": "none"}')`);
  await producer.end();
  return [
    { name: 'password of the producer', value: password },
    { name: 'secret in SQL', value: word },
  ];
}

/** Commands with secrets in the environment and in arguments. */
export async function misuseCommands(world: LeakWorld): Promise<readonly Canary[]> {
  const word = secretText();
  const wrong = await world.databaseUrl('tidemark_api', word);
  const redisUrl = `redis://:${word}@127.0.0.1:1`;
  await Promise.all([
    world.run(['users', 'list'], { DATABASE_URL: wrong, REDIS_URL: '' }),
    world.run(['doctor'], { REDIS_URL: redisUrl }),
    world.run(['users', 'list'], { DATABASE_URL: `postgres://tidemark_api:${word}@127.0.0.1:1/${word}` }),
  ]);
  await Promise.all([
    world.run(['doctor', `--token=${word}`]),
    world.run(['users', 'list'], { REDIS_URL: word, TIDEMARK_PUBLIC_KEYS: word }),
    world.run(['users', 'list'], { UPWORK_BASE_URL: `https://ops:${word}@example.test/` }),
  ]);
  return [{ name: 'secret of a command', value: word }];
}

/** What an operator looks at afterwards. */
export async function lookAtEverything(world: LeakWorld, admin: string, id: string): Promise<void> {
  for (const { method, path: place, form } of Object.values(OPERATIONS) as Operation[])
    if (method === 'GET' && form === 'json')
      await world.ask('GET', place.replace('{integrationId}', id).replace('{queue}', 'maintenance'), admin);
  for (const place of [
    '/metrics',
    '/healthz',
    '/readyz',
    '/docs',
    '/docs/json',
    '/queues/api/queues?activeQueue=maintenance&status=failed&page=1',
    '/queues/api/queues?activeQueue=sync-upwork&status=completed&page=1',
  ])
    await world.ask('GET', place, admin);
  const jobs = JSON.parse((await world.ask('GET', '/v1/jobs?limit=200', admin)).text) as { jobs?: { id: string }[] };
  for (const job of jobs.jobs ?? []) {
    await world.ask('GET', `/v1/jobs/${job.id}`, admin);
    await world.ask('GET', `/v1/jobs/${job.id}/logs`, admin);
  }
  const commands = [
    ['doctor'],
    ['runs', 'list', '--json'],
    ['audit', 'changes'],
    ['audit', 'security'],
    ['integrations', 'show', id, '--json'],
    ['keys', 'rotate', '--generate'],
    ['users', 'export', 'ada@example.test', '--out', path.join(world.folder, 'export')],
  ];
  for (const from of [0, 4]) await Promise.all(commands.slice(from, from + 4).map((args) => world.run(args)));
}

/** A secret in every kind of place, so that finding nothing means something; where it is to be found. */
export async function plantControl(world: LeakWorld, superuser: string, value: string): Promise<readonly string[]> {
  const owner = new Client({ connectionString: await world.databaseUrl('postgres', superuser) });
  await owner.connect();
  await owner.query(`create schema scratch; create table scratch.planted as select '${value}'::text as word`);
  await owner.end();
  await writeFile(path.join(world.folder, 'planted.log'), `{"token":"${Buffer.from(value).toString('base64url')}"}`);
  // Its own argument, which the terminal's owner typed, comes back as the name of a file that does not exist.
  const lost = path.join(world.folder, `${value}.json`);
  await world.run(['integrations', 'oauth-app', '--platform', 'upwork', '--credentials-file', lost]);
  return ['file planted.log', 'output of commands', 'table scratch.planted'];
}
