import fc from 'fast-check';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { generateKeyPair, parsePublicKeys, publicRing, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { createOpener } from '../../src/vault/opener.ts';
import { createSealer, type SealContext, type Sealed } from '../../src/vault/sealer.ts';
import { addSecretKey, readSecretKeys } from '../../src/vault/secret-keys-file.ts';
import { createToken, hashToken, isToken } from '../../src/vault/token.ts';

const pair = generateKeyPair();
const other = generateKeyPair();
const sealer = createSealer(publicRing([pair.publicKey]));
const opener = createOpener(new Map([pair, other].map((key) => [key.publicKey.id, key])));

const contexts: fc.Arbitrary<SealContext> = fc.record({
  purpose: fc.constantFrom('credential', 'quarantine', 'oauth'),
  userId: fc.string(),
  integrationId: fc.string(),
  platform: fc.string(),
  version: fc.integer({ min: 1 }),
});
const REFUSED = expect.objectContaining({ code: 'vault.open_failed' });

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = Math.floor(bit / 8) % copy.length;
  copy[index] = copy[index]! ^ (1 << (bit % 8));
  return copy;
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

  test('with any bit changed is refused', () => {
    const context: SealContext = {
      purpose: 'credential',
      userId: 'u',
      integrationId: 'i',
      platform: 'upwork',
      version: 1,
    };
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
        expect(moved.keyId).toBe(other.publicKey.id);
        expect(
          createOpener(new Map([[other.publicKey.id, other]]))
            .open(moved, context)
            .reveal(),
        ).toBe('canary');
      }),
    );
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

test('no key object shows its secret half', () => {
  const secret = Buffer.from(pair.secretKey.reveal());
  const shown = [
    JSON.stringify(pair),
    inspect(pair, { showHidden: true, depth: 9 }),
    inspect(opener, { depth: 9 }),
  ].join();
  for (const spelling of [secret.toString('base64'), secret.toString('hex'), [...secret].join(',')]) {
    expect(shown).not.toContain(spelling);
  }
});

describe('public keys', () => {
  test('survive being written and read', () => {
    const ring = parsePublicKeys(renderPublicKeys([pair.publicKey, other.publicKey]));
    expect(ring.current.id).toBe(pair.publicKey.id);
    expect(ring.keys.map(({ id }) => id)).toEqual([pair.publicKey.id, other.publicKey.id]);
  });

  test('that are malformed are all reported at once', () => {
    const good = renderPublicKeys([pair.publicKey]);
    expect(() => parsePublicKeys(`short:AAAA,wrong:${good.split(':')[1]},${good},${good}`)).toThrow(
      /key 1: expected.*key 2: its id should be.*listed twice/,
    );
  });
});

describe('the file of secret keys', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tidemark-keys-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test('holds the newest key first and keeps the older ones', async () => {
    const file = path.join(folder, 'keys.json');
    await addSecretKey(file, pair, new Date(0));
    await addSecretKey(file, other, new Date(1));
    expect([...(await readSecretKeys(file)).keys()]).toEqual([other.publicKey.id, pair.publicKey.id]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['is missing', null, 'vault.key_missing', /tidemark keys generate/],
    ['is no JSON', 'canary{', 'vault.key_file_unreadable', /does not parse/],
    ['has another shape', '{"version":1,"keys":[]}', 'vault.key_file_unreadable', /expected \{version/],
    [
      'has a truncated key',
      '{"version":1,"keys":[{"id":"x","secretKey":"AAAA","createdAt":"2026-01-01T00:00:00Z"}]}',
      'vault.key_file_unreadable',
      /expected 32 bytes/,
    ],
  ])('that %s is refused with the reason', async (_name, text, code, message) => {
    const file = path.join(folder, `bad-${Math.random()}.json`);
    if (text !== null) await writeFile(file, text, { mode: 0o600 });
    const error = await readSecretKeys(file).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(inspect(error)).not.toContain('canary');
  });

  test('that others may read is refused, with the remedy', async () => {
    const file = path.join(folder, 'open.json');
    await addSecretKey(file, pair, new Date(0));
    await chmod(file, 0o644);
    await expect(readSecretKeys(file)).rejects.toMatchObject({
      code: 'vault.key_file_unreadable',
      message: expect.stringContaining('chmod 600'),
    });
    await expect(readSecretKeys(folder)).rejects.toMatchObject({ message: expect.stringContaining('expected a file') });
    expect(await readFile(file, 'utf8')).toContain(pair.publicKey.id);
  });
});

test('an API token is told from a mistyped one by itself', () => {
  const token = createToken();
  expect(isToken(token.reveal())).toBe(true);
  expect(isToken(token.reveal().slice(0, -1))).toBe(false);
  const mistyped = token.reveal().replace(/^tm_./, (start) => (start === 'tm_A' ? 'tm_B' : 'tm_A'));
  expect(isToken(mistyped)).toBe(false);
  expect(hashToken(token.reveal())).toHaveLength(32);
});
