// A whole installation is driven with secrets that are like no other text: through the command line, the API, the boards, the
// SQL door, and syncs at a platform that echoes the credential in every way. Then everything that was written anywhere is
// searched for them.

import { readdir } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { SCOPES } from '../../src/core/scopes.ts';
import { searchFor, type Canary } from '../support/canaries.ts';
import {
  lookAtEverything,
  misgiveCredentials,
  misuseCommands,
  misuseDoors,
  plantControl,
  secretText,
  syncAtEchoingPlatform,
  useSession,
  useSqlDoor,
} from '../support/leak-suite.ts';
import { startLeakWorld, type LeakWorld, type LeakWorldOptions } from '../support/leak-world.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, type TestRedis } from '../support/redis.ts';
import { skipUnless } from '../support/skip.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 150_000;

async function open(options: LeakWorldOptions): Promise<LeakWorld> {
  const world = await startLeakWorld(options);
  onTestFinished(() => world.stop(), LIMIT_MS);
  return world;
}

/** A report by Node, a crash with a secret in its words, one by the system; another worker takes its place. */
async function crashWorker(world: LeakWorld): Promise<void> {
  process.kill((await world.workerPid())!, 'SIGUSR2');
  const hasReport = async () => (await readdir(world.folder)).some((name) => name.startsWith('report.'));
  await waitFor(hasReport, { timeoutMs: 20_000, what: 'the diagnostic report' });
  for (const signal of ['SIGWINCH', 'SIGABRT', 'SIGKILL'] as const) {
    const crashed = (await world.workerPid())!;
    process.kill(crashed, signal);
    const isReplaced = async () => ![undefined, crashed].includes(await world.workerPid());
    await waitFor(isReplaced, { timeoutMs: 30_000, what: `another worker after ${signal}` });
  }
}

/** A process has the password of its own login and nobody else's; keys and credentials are in no environment at all. */
async function searchProcesses(world: LeakWorld, canaries: readonly Canary[]): Promise<readonly string[]> {
  const everywhere = searchFor(canaries);
  const hits: string[] = [];
  for (const { commandLine, environment } of await world.processes()) {
    const name = commandLine.replaceAll('\0', ' ').slice(0, 120);
    const own = commandLine.split('\0').includes('worker') ? 'worker' : 'api|scheduler';
    const isOwn = new RegExp(`^password of (?:Redis|tidemark_(?:${own}))$`);
    const others = searchFor(canaries.filter((canary) => !isOwn.test(canary.name)));
    hits.push(...everywhere.find(commandLine).map((hit) => `command line of ${name}: ${hit}`));
    hits.push(...others.find(environment).map((hit) => `environment of ${name}: ${hit}`));
  }
  return hits;
}

async function superuserOf(world: LeakWorld): Promise<string> {
  return (await world.ownSecrets()).find(({ name }) => name === 'password of the superuser')!.value;
}

/** Nothing is found of any canary, and a planted one is found wherever it was planted. */
async function expectSilence(world: LeakWorld, given: readonly Canary[], redis: TestRedis | null): Promise<void> {
  const control = { name: 'planted', value: secretText() };
  const places = [...(await plantControl(world, await superuserOf(world), control.value))];
  if (redis !== null) {
    await redis.do('hset', 'planted', 'token', control.value);
    places.push('Redis planted');
  }
  const writings = await world.writings();
  const planted = searchFor([control]);
  const found = writings.filter(([, text]) => planted.find(text).length > 0).map(([where]) => where);
  expect(found.sort()).toEqual(places.sort());

  const canaries = [...world.platform.canaries, ...given, ...(await world.ownSecrets())];
  const search = searchFor(canaries);
  const hits = writings.flatMap(([where, text]) => search.find(text).map((hit) => `${where}: ${hit}`));
  expect([...new Set([...hits, ...(await searchProcesses(world, canaries))])]).toEqual([]);
}

test('nothing that is written anywhere holds a secret', { timeout: LIMIT_MS }, async () => {
  const crashWord = secretText();
  const world = await open({ crashMessage: `the platform refused token ${crashWord}` });
  const tokens = await Promise.all(
    SCOPES.map((scope) => world.secretOf('tokens', 'create', '--name', scope, '--scope', scope)),
  );
  const admin = tokens[SCOPES.indexOf('admin')]!;
  const id = await syncAtEchoingPlatform(world, admin);
  const used = [
    ...(await useSession(world, admin)),
    ...(await useSqlDoor(world, await superuserOf(world))),
    ...(await misgiveCredentials(world, admin, id)),
    ...(await misuseCommands(world)),
    // Ends with this address locked out, which the tokens in use survive.
    ...(await misuseDoors(world, [admin, tokens[0]!])),
  ];
  await crashWorker(world);
  await lookAtEverything(world, admin, id);
  const given = tokens.map((value, n) => ({ name: `token with scope ${SCOPES[n]}`, value }));
  await expectSilence(world, [...given, ...used, { name: 'secret in a crash', value: crashWord }], null);
});

test('nor does Redis, where it holds the queue', { timeout: LIMIT_MS }, async (context) => {
  skipUnless(context, hasRedisServer(), NEEDS_REDIS_SERVER);
  const password = secretText();
  const redis = await startRedis({ password, settings: { 'maxmemory-policy': 'noeviction' } });
  onTestFinished(() => redis.stop());
  const world = await open({ redis, crashMessage: 'nothing' });
  const admin = await world.secretOf('tokens', 'create', '--name', 'ops', '--scope', 'admin');
  const id = await syncAtEchoingPlatform(world, admin, ['none', 'graphql', 'quoted-grant']);
  await world.ask('GET', `/v1/integrations/${id}`, admin);
  const used = await useSqlDoor(world, await superuserOf(world));
  const keys = (await redis.do('keys', '{tidemark}*')) as string[];
  expect(keys.length).toBeGreaterThan(0);
  const given = [
    { name: 'token of ops', value: admin },
    { name: 'password of Redis', value: password },
  ];
  await expectSilence(world, [...given, ...used], redis);
});
