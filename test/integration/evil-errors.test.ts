// What a wrong connector cannot do by what it throws or complains about: leave its run open, be believed about the engine's
// own affairs, fill the rows of its run, or have its credential written down.

import { describe, expect, test } from 'vitest';
import { AppError, reportOf, type AppErrorOptions, type ErrorCode, type ErrorReport } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { SyncRunDeps } from '../../src/sync/runner.ts';
import { createEvilWorld, TOKEN, type Ran } from '../support/evil-world.ts';
import { pageOf, type Read } from '../support/sync-world.ts';

const world = createEvilWorld();
const MIB = 1024 * 1024;

/** One stored page, then the error. */
const throwing = (make: () => unknown): Read =>
  async function* () {
    yield pageOf([{ id: 'a' }], 1);
    throw make();
  };

const circular: Record<string, unknown> = {};
circular['self'] = circular;
const hostile = (options: object): unknown => Object.assign(new Error('x'), options);
const failing = (code: ErrorCode, options?: AppErrorOptions): AppError => new AppError(code, 'no', options);

function expectFailed(ran: Ran, code: ErrorCode): void {
  expect(ran.status).toBe('failed');
  expect(ran.errors.at(-1)?.code).toBe(code);
  expect(ran.errorMessage).toEqual(expect.any(String));
  expect(ran.text.length).toBeLessThan(100_000);
}

describe('what is thrown', () => {
  test.for<[string, () => unknown]>([
    ['a text', () => 'no error'],
    ['undefined', () => undefined],
    ['a symbol', () => Symbol('x')],
    ['an object without a text', () => ({ toString: null })],
    ['an error that lies about its code', () => hostile({ code: 'db.forbidden', kind: 'conflict', stack: null })],
    ['an error whose message is no text', () => hostile({ message: { toString: null } })],
    ['an error of ours whose message is no text', () => Object.assign(failing('internal'), { message: {} })],
    ['an error of ours with a code of nobody', () => Object.assign(failing('internal'), { code: 'zzz' })],
    ['an error of ours with a kind of nobody', () => Object.assign(failing('internal'), { kind: 'nope' })],
    ['a huge message', () => new Error('x'.repeat(5 * MIB))],
    ['huge details', () => failing('internal', { details: { page: 'x'.repeat(5 * MIB) } })],
    ['details without an end', () => failing('internal', { details: circular })],
    ['details that are no JSON', () => failing('internal', { details: { n: 1n } })],
    [
      'a message that throws',
      () =>
        Object.defineProperty(new Error('x'), 'message', {
          get: () => {
            throw new Error('y');
          },
        }),
    ],
    [
      'a cause that throws when looked at',
      () =>
        hostile({
          [Symbol.for('nodejs.util.inspect.custom')]: () => {
            throw new Error('y');
          },
        }),
    ],
    [
      'a proxy that throws at everything',
      () =>
        new Proxy(new Error('x'), {
          getPrototypeOf: () => {
            throw new Error('y');
          },
        }),
    ],
  ])('ends the run under a code of ours: %s', async ([, make]) => {
    expectFailed(await world.attack(throwing(make)), 'internal');
  });

  test('keeps its code when only its details cannot be read', async () => {
    const ran = await world.attack(throwing(() => failing('platform.forbidden', { details: circular })));
    expectFailed(ran, 'platform.forbidden');
  });

  test.for<ErrorCode>(['sync.lease_lost', 'sync.checkpoint_conflict', 'queue.claim_lost', 'sync.run_settled'])(
    'is not believed about who holds the stream: %s',
    async (code) => {
      expectFailed(await world.attack(throwing(() => failing(code))), 'internal');
    },
  );

  test('is not believed about it in a record either', async () => {
    const conflict = (): never => {
      throw failing('sync.checkpoint_conflict');
    };
    const ran = await world.attack(async function* () {
      yield pageOf([Object.defineProperty({}, 'id', { get: conflict }), { id: 'a' }], 1);
    });
    expect(ran).toMatchObject({ status: 'partial', outcome: { kind: 'completed' } });
  });

  test.for([Number.NaN, Infinity, -1, 0, 1e18, 'soon' as unknown as number])(
    'cannot ask for a wait that is none: %s ms',
    async (retryAfterMs) => {
      const { outcome, status } = await world.attack(
        throwing(() => failing('platform.rate_limited', { retryAfterMs })),
      );
      expect(status).toBe('waiting');
      const { delayMs } = outcome as unknown as { delayMs: number };
      expect(delayMs).toBeGreaterThanOrEqual(1_000);
      expect(delayMs).toBeLessThanOrEqual(1.1 * 86_400_000);
    },
  );
});

describe('what is complained about', () => {
  const complaining = (problems: readonly unknown[]): Read =>
    async function* () {
      yield { ...pageOf([{ id: 'a' }], 1), problems: problems as readonly ErrorReport[] };
    };

  test('is cut to what a run can hold, under codes of ours', async () => {
    const problem = { code: 'zzz', kind: 'nope', message: 'x'.repeat(MIB), details: { page: 'x'.repeat(MIB) } };
    const ran = await world.attack(complaining(Array.from({ length: 200 }, () => problem)));
    expect(ran.status).toBe('partial');
    expect(ran.errors).toHaveLength(50);
    expect(new Set(ran.errors.map(({ code }) => code))).toEqual(new Set(['internal']));
    expect(ran.text.length).toBeLessThan(500_000);
  });

  test('never hides the error that ended the run', async () => {
    const ran = await world.attack(async function* () {
      yield {
        ...pageOf([{ id: 'a' }], 1),
        problems: Array.from({ length: 60 }, () => reportOf(failing('platform.unavailable'))),
      };
      throw failing('platform.request_invalid');
    });
    expectFailed(ran, 'platform.request_invalid');
    expect(ran.errors).toHaveLength(50);
  });
});

describe('a credential', () => {
  const TAIL = '-and-its-tail';
  const credentials: SyncRunDeps['credentials'] = () => ({
    current: () =>
      Promise.resolve(
        new Secret<unknown>({ access_token: TOKEN, long: TOKEN + TAIL, nested: [{ key: `${TOKEN}"quoted` }] }),
      ),
    renew: () => Promise.reject(new Error('never')),
  });
  const formsOf = (text: string): readonly string[] => [
    text,
    ...(['base64', 'base64url', 'hex'] as const).map((encoding) => Buffer.from(text).toString(encoding)),
  ];
  const tokenOf = async (context: Parameters<Read>[1]): Promise<string> =>
    ((await context.credential.current()).reveal() as { access_token: string }).access_token;

  test.for([
    ['plain', (token: string) => new AppError('platform.unavailable', `no: ${token}`)],
    ['in details', (token: string) => new AppError('platform.unavailable', 'no', { details: { sent: { token } } })],
    [
      'as a name in details',
      (token: string) => new AppError('platform.unavailable', 'no', { details: { [token]: 1 } }),
    ],
    ['in base64', (token: string) => new Error(`no: ${Buffer.from(token).toString('base64')}`)],
    ['in base64url', (token: string) => new Error(`no: ${Buffer.from(token).toString('base64url')}`)],
    ['in hex', (token: string) => new Error(`no: ${Buffer.from(token).toString('hex')}`)],
    ['in a JSON text', (token: string) => new Error(`no: ${JSON.stringify({ key: `${token}"quoted` })}`)],
    ['as the beginning of another', (token: string) => new Error(`no: ${token}${TAIL}`)],
    ['in the cause', (token: string) => new AppError('platform.unavailable', 'no', { cause: new Error(token) })],
    ['in what is not an error', (token: string) => `no ${token}`],
    ['around the cut of a long message', (token: string) => new Error(`no${'x'.repeat(1_990)}${token}`)],
  ] as const)('that a connector puts into an error (%s) is written nowhere', async ([, make]) => {
    const read: Read = async function* (_, context) {
      const token = await tokenOf(context);
      yield { ...pageOf([{ id: 'a' }], 1), problems: [reportOf(make(token))] };
      throw make(token);
    };
    const ran = await world.attack(read, { credentials });
    expect(ran.text).toContain('no');
    for (const form of [...formsOf(TOKEN), TAIL, TOKEN.slice(0, 12)]) expect(ran.text).not.toContain(form);
  });

  test('that a platform echoes in a record is not in the reason of its quarantine', async () => {
    const read: Read = async function* (_, context) {
      const token = await tokenOf(context);
      const echo = (): never => {
        throw new AppError('record.invalid', `id: got ${token}`, { details: { path: token } });
      };
      yield pageOf([Object.defineProperty({}, 'id', { get: echo })], 1);
    };
    expect(await world.attack(read, { credentials })).toMatchObject({ status: 'partial' });
    const rows = await world.database.asSuperuser(
      'select reason, path from sync_quarantine where integration_id = $1',
      [world.evil.integrationId],
    );
    expect(rows).toEqual([{ reason: 'id: got [secret]', path: '[secret]' }]);
  });
});
