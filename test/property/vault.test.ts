import fc from 'fast-check';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { AppError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { generateKeyPair, keyIdOf, parsePublicKeys, publicRing, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { createOpener } from '../../src/vault/opener.ts';
import { createSealer, type SealContext, type Sealed } from '../../src/vault/sealer.ts';
import { sodium } from '../../src/vault/sodium.ts';
import { createToken, hashToken, isToken, isTokenOfHash } from '../../src/vault/token.ts';

const pair = generateKeyPair();
const other = generateKeyPair();
const sealer = createSealer(publicRing([pair.publicKey]));
const opener = createOpener(new Map([pair, other].map((key) => [key.publicKey.id, key])));

const contexts: fc.Arbitrary<SealContext> = fc.record({
  purpose: fc.constantFrom('credential', 'quarantine', 'oauth', 'ledger'),
  userId: fc.string(),
  integrationId: fc.string(),
  platform: fc.string(),
  version: fc.integer({ min: 1 }),
});
const anyContext: SealContext = {
  purpose: 'credential',
  userId: 'u',
  integrationId: 'i',
  platform: 'upwork',
  version: 1,
};
const FIELDS = ['purpose', 'userId', 'integrationId', 'platform', 'version'] as const;
const REFUSED = expect.objectContaining({ code: 'vault.open_failed' });

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = Math.floor(bit / 8) % copy.length;
  copy[index] = copy[index]! ^ (1 << (bit % 8));
  return copy;
}

function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected an error');
}

/** All the ways in which a value ends in a log. */
function everySpelling(value: unknown): string {
  return [JSON.stringify(value), inspect(value, { showHidden: true, depth: 9 }), String(value)].join();
}

describe('a sealed value', () => {
  test('opens where it was sealed for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), contexts, (text, context) => {
        expect(opener.open(sealer.seal(new Secret(text), context), context).reveal()).toBe(text);
      }),
    );
  });

  test('opens nowhere else: any other user, integration, platform, purpose or version is refused', () => {
    fc.assert(
      fc.property(contexts, contexts, (context, elsewhere) => {
        fc.pre(JSON.stringify(context) !== JSON.stringify(elsewhere));
        const sealed = sealer.seal(new Secret('canary'), context);
        expect(() => opener.open(sealed, elsewhere)).toThrow(REFUSED);
      }),
    );
  });

  test('with any single part of its context changed is refused', () => {
    fc.assert(
      fc.property(contexts, contexts, fc.constantFrom<keyof SealContext>(...FIELDS), (context, elsewhere, field) => {
        fc.pre(context[field] !== elsewhere[field]);
        const sealed = sealer.seal(new Secret('canary'), context);
        expect(() => opener.open(sealed, { ...context, [field]: elsewhere[field] })).toThrow(REFUSED);
      }),
    );
  });

  test('is bound to its context and not to what else the object holds', () => {
    const row = { ...anyContext, createdAt: new Date(0) };
    expect(opener.open(sealer.seal(new Secret('canary'), row), anyContext).reveal()).toBe('canary');
  });

  test('with any bit changed is refused', () => {
    const context = anyContext;
    fc.assert(
      fc.property(fc.constantFrom('ciphertext', 'wrappedKey'), fc.nat(4_000), (part, bit) => {
        const sealed = sealer.seal(new Secret('canary'), context);
        expect(() => opener.open({ ...sealed, [part]: flipped(sealed[part as 'ciphertext'], bit) }, context)).toThrow(
          REFUSED,
        );
      }),
    );
  });

  test('that is cut short or empty is refused, not crashed on', () => {
    const context: SealContext = { purpose: 'oauth', userId: '', integrationId: '', platform: 'upwork', version: 1 };
    const sealed = sealer.seal(new Secret('canary'), context);
    for (const length of [0, 10, 24, 30]) {
      const cut: Sealed = { ...sealed, ciphertext: sealed.ciphertext.subarray(0, length) };
      expect(() => opener.open(cut, context)).toThrow(REFUSED);
    }
  });

  test('is rewrapped to another key without touching its ciphertext', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        const sealed = sealer.seal(new Secret('canary'), context);
        const moved = opener.rewrap(sealed, other.publicKey);
        expect(moved.ciphertext).toBe(sealed.ciphertext);
        expect(moved.wrappedKey).not.toEqual(sealed.wrappedKey);
        expect(moved.keyId).toBe(other.publicKey.id);
        expect(
          createOpener(new Map([[other.publicKey.id, other]]))
            .open(moved, context)
            .reveal(),
        ).toBe('canary');
      }),
    );
  });

  test('says the same whatever kept it from opening, and nothing of what it holds', () => {
    const sealed = sealer.seal(new Secret('canary'), anyContext);
    const refusals = [
      () => opener.open(sealed, { ...anyContext, integrationId: 'moved' }),
      () => opener.open({ ...sealed, ciphertext: flipped(sealed.ciphertext, 300) }, anyContext),
      () => opener.open({ ...sealed, wrappedKey: flipped(sealed.wrappedKey, 3) }, anyContext),
      () => opener.open({ ...sealed, wrappedKey: new Uint8Array(0) }, anyContext),
      () => opener.open({ ...sealed, keyId: other.publicKey.id }, anyContext),
    ].map(thrownBy);
    expect(new Set(refusals.map(({ message }) => message)).size).toBe(1);
    for (const error of refusals) {
      expect(error).toMatchObject({ code: 'vault.open_failed' });
      expect(error.cause).toBeUndefined();
      expect(Object.keys((error as AppError).details)).toEqual([...FIELDS]);
      expect(everySpelling(error)).not.toContain('canary');
    }
  });

  test('keeps every text as it was, a byte order mark and NUL included', () => {
    const text = '\u{feff}a\0b\u{1f600}';
    expect(opener.open(sealer.seal(new Secret(text), anyContext), anyContext).reveal()).toBe(text);
  });

  test('never has the nonce or the data key of another one', () => {
    const sealed = Array.from({ length: 200 }, () => sealer.seal(new Secret('canary'), anyContext));
    expect(new Set(sealed.map(({ ciphertext }) => Buffer.from(ciphertext).toString('hex', 0, 24))).size).toBe(200);
    expect(new Set(sealed.map(({ wrappedKey }) => Buffer.from(wrappedKey).toString('hex'))).size).toBe(200);
  });

  test('whose wrapped key is no data key is neither opened nor rewrapped', () => {
    const sealed = sealer.seal(new Secret('canary'), anyContext);
    const wrappedKey = sodium.crypto_box_seal(new Uint8Array(5), pair.publicKey.bytes);
    expect(() => opener.open({ ...sealed, wrappedKey }, anyContext)).toThrow(REFUSED);
    expect(() => opener.rewrap({ ...sealed, wrappedKey }, other.publicKey)).toThrow(REFUSED);
  });

  test('under a key that this process does not hold names the key', () => {
    const sealed = createSealer(publicRing([generateKeyPair().publicKey])).seal(new Secret('x'), {
      purpose: 'oauth',
      userId: '',
      integrationId: '',
      platform: 'upwork',
      version: 1,
    });
    expect(() =>
      opener.open(sealed, { purpose: 'oauth', userId: '', integrationId: '', platform: 'upwork', version: 1 }),
    ).toThrow(expect.objectContaining({ code: 'vault.key_missing', message: expect.stringContaining(sealed.keyId) }));
  });
});

test('nothing of the vault shows a secret, however it is printed', () => {
  const sealed = sealer.seal(new Secret('canary'), anyContext);
  const shown = [pair, new Map([[pair.publicKey.id, pair]]), sealer, opener, sealed, opener.open(sealed, anyContext)];
  const text = shown.map(everySpelling).join();
  const secret = Buffer.from(pair.secretKey.reveal());
  const spellings = [secret.toString('base64'), secret.toString('hex'), [...secret].join(','), [...secret].join(', ')];
  for (const spelling of ['canary', ...spellings]) expect(text).not.toContain(spelling);
});

test('public keys survive being written and read, the current one first', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), (count) => {
      const keys = Array.from({ length: count }, () => generateKeyPair().publicKey);
      const ring = parsePublicKeys(renderPublicKeys(keys));
      expect(ring.current.id).toBe(keys[0]!.id);
      expect(ring.keys).toEqual(keys);
    }),
  );
});

test('a public key under the id of another one is refused', () => {
  fc.assert(
    fc.property(fc.nat(255), (bit) => {
      const bytes = flipped(pair.publicKey.bytes, bit);
      expect(keyIdOf(bytes)).not.toBe(pair.publicKey.id);
      expect(() => parsePublicKeys(renderPublicKeys([{ id: pair.publicKey.id, bytes }]))).toThrow(/its id should be/);
    }),
  );
});

test('an API token with any one character changed, dropped or added is known to be none', () => {
  fc.assert(
    fc.property(fc.nat(51), fc.constantFrom('', 'A', 'z', '9', '_', '-', '\n', 'é'), fc.nat(1), (at, put, drop) => {
      const token = createToken().reveal();
      const mistyped = token.slice(0, at) + put + token.slice(at + drop);
      fc.pre(mistyped !== token);
      expect(isToken(token)).toBe(true);
      expect(isToken(mistyped)).toBe(false);
      expect(isTokenOfHash(token, hashToken(token))).toBe(true);
      expect(isTokenOfHash(mistyped, hashToken(token))).toBe(false);
    }),
  );
});
