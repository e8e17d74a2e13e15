import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { Secret } from '../../src/core/secret.ts';
import { enginePriority } from '../../queues/driver.ts';
import { toConnectError, toEngineError } from '../../queues/drivers/bullmq/errors.ts';
import { toBullPriority } from '../../queues/drivers/bullmq/layout.ts';
import { checkServer } from '../../queues/drivers/bullmq/preflight.ts';
import { parseRedisUrl } from '../../queues/drivers/bullmq/redis-url.ts';

test.each([
  ['redis://h', { kind: 'single', node: { host: 'h', port: 6379 }, db: 0, tls: false }],
  [
    'rediss://u:p%40ss@h:1/3?x=y',
    { kind: 'single', node: { host: 'h', port: 1 }, db: 3, tls: true, username: 'u', password: 'p@ss' },
  ],
  ['redis://:a@b@[::1]:7', { kind: 'single', node: { host: '::1', port: 7 }, password: 'a@b' }],
  [
    'redis-cluster://:p@a:1,b',
    {
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
      ],
      password: 'p',
    },
  ],
  [
    'redis-sentinel://a,b:2/main/4',
    {
      kind: 'sentinel',
      nodes: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 2 },
      ],
      master: 'main',
      db: 4,
    },
  ],
])('%s is understood', (url, target) => {
  expect(parseRedisUrl(new Secret(url))).toMatchObject(target);
});

test.each([
  '',
  'redis://',
  'http://h',
  'redis://:secret@a,b',
  'redis-sentinel://:secret@a',
  'redis://:secret@h:port',
  'redis://:%zz@h',
  'redis://:secret@h/db',
])('%s is refused without being repeated', (url) => {
  let thrown: unknown;
  try {
    parseRedisUrl(new Secret(url));
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 'config.invalid' });
  expect(inspect(thrown, { depth: 9 })).not.toContain('secret@');
});

test('priorities keep their order in the range of BullMQ, classes always, near ones exactly', () => {
  const classRank = fc.integer({ min: 0, max: 2 });
  const priority = fc.oneof(fc.integer({ min: -349_524, max: 349_524 }), fc.integer());
  fc.assert(
    fc.property(classRank, priority, classRank, priority, (classA, a, classB, b) => {
      const [bullA, bullB] = [toBullPriority(enginePriority(classA, a)), toBullPriority(enginePriority(classB, b))];
      expect(bullA).toBeGreaterThanOrEqual(1);
      expect(bullA).toBeLessThanOrEqual(2_097_151);
      if (classA < classB) expect(bullA).toBeLessThan(bullB);
      if (classA !== classB) return;
      if (a >= b) expect(bullA).toBeLessThanOrEqual(bullB);
      if (a > b && Math.max(Math.abs(a), Math.abs(b)) <= 349_524) expect(bullA).toBeLessThan(bullB);
    }),
  );
});

test('a server too old, or one that may evict keys, is refused by name', () => {
  const facts = (version: string, policy: string): string =>
    `redis_version:${version}\r\nmaxmemory_policy:${policy}\r\n`;
  expect(() => checkServer(facts('6.2.14', 'noeviction'), false)).toThrow(/Redis 7 or newer, got 6\.2\.14/);
  expect(() => checkServer(facts('7.0.0', 'volatile-lru'), false)).toThrow(
    /volatile-lru.*TIDEMARK_REDIS_ALLOW_EVICTION=true/,
  );
  expect(() => checkServer(facts('7.0.0', 'volatile-lru'), true)).not.toThrow();
  expect(() => checkServer(facts('10.1.0', 'noeviction'), false)).not.toThrow();
});

test('errors travel on without the arguments of their command', () => {
  const reply = (message: string): Error =>
    Object.assign(new Error(message), {
      name: 'ReplyError',
      command: { name: 'auth', args: ['default', 'topsecret'] },
    });
  const refused = toConnectError(reply('WRONGPASS invalid username-password pair or user is disabled.'));
  expect(refused).toMatchObject({ code: 'config.invalid' });
  expect(toConnectError(reply('LOADING Redis is loading'))).toMatchObject({ code: 'queue.engine_failed' });
  expect(toEngineError(reply('ERR wrong number of arguments'))).toMatchObject({ code: 'internal' });
  expect(toEngineError(reply('OOM command not allowed'))).toMatchObject({ kind: 'transient' });
  expect(inspect(refused, { depth: 9, showHidden: true })).not.toContain('topsecret');
});
