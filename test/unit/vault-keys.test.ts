import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { generateKeyPair, keyIdOf, parsePublicKeys, publicRing, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { addSecretKey, ensureSecretKeys, readSecretKeys } from '../../src/vault/secret-keys-file.ts';
import { keysStatus } from '../../src/vault/status.ts';
import { hashToken, isTokenOfHash } from '../../src/vault/token.ts';

const first = generateKeyPair();
const second = generateKeyPair();
const NOW = new Date('2026-01-01T00:00:00Z');

let root = '';
let folder = '';
let file = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tidemark-keys-'));
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'case-'));
  file = path.join(folder, 'keys.json');
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

function entry(bytes: Uint8Array, id: string): Record<string, unknown> {
  return { id, secretKey: Buffer.from(bytes).toString('base64'), createdAt: NOW.toISOString() };
}

const good = entry(first.secretKey.reveal(), first.publicKey.id);

function json(...keys: readonly unknown[]): string {
  return JSON.stringify({ version: 1, keys });
}

async function refusal(): Promise<unknown> {
  return await readSecretKeys(file).catch((error: unknown) => error);
}

describe('public keys', () => {
  test('that are malformed are all reported at once, and none is quoted', () => {
    const text = renderPublicKeys([first.publicKey]);
    const [id, encoded] = text.split(':');
    const entries = ['short:AAAA', `wrong:${encoded}`, `${id}:!${encoded}`, `${text}:more`, '', text, text];
    let error: unknown;
    try {
      parsePublicKeys(entries.join(','));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'config.invalid',
      details: {
        problems: [
          expect.stringMatching(/^key 1: expected <id>/),
          expect.stringMatching(/^key 2: its id should be/),
          expect.stringMatching(/^key 3: expected <id>/),
          expect.stringMatching(/^key 4: expected <id>/),
          expect.stringMatching(/^key 5: expected <id>/),
          'a key is listed twice',
        ],
      },
    });
    expect(inspect(error)).not.toContain(encoded);
  });

  test('that cannot seal are refused when they are read, not when the first credential comes', () => {
    const zero = new Uint8Array(32);
    expect(() => parsePublicKeys(renderPublicKeys([{ id: keyIdOf(zero), bytes: zero }]))).toThrow(
      /key 1: not a usable/,
    );
  });

  test('are needed: an empty ring names the remedy', () => {
    expect(() => publicRing([])).toThrow(expect.objectContaining({ code: 'vault.key_missing' }));
  });
});

describe('the file of secret keys', () => {
  test('holds the newest key first, keeps the older ones and leaves nothing else behind', async () => {
    await addSecretKey(file, first, NOW);
    await addSecretKey(file, second, NOW);
    expect([...(await readSecretKeys(file)).keys()]).toEqual([second.publicKey.id, first.publicKey.id]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['keys.json']);
  });

  test('gives all processes that start at once the same first key', async () => {
    const rings = await Promise.all(Array.from({ length: 8 }, () => ensureSecretKeys(file, NOW)));
    expect(new Set(rings.flatMap((ring) => [...ring.keys()])).size).toBe(1);
    expect(await readdir(folder)).toEqual(['keys.json']);
  });

  test('keeps every key that was reported as added, however many add at once', async () => {
    const pairs = Array.from({ length: 8 }, () => generateKeyPair());
    const results = await Promise.allSettled(pairs.map((pair) => addSecretKey(file, pair, NOW)));
    const added = pairs
      .filter((_, index) => results[index]!.status === 'fulfilled')
      .map(({ publicKey }) => publicKey.id);
    expect([...(await readSecretKeys(file)).keys()].toSorted()).toEqual(added.toSorted());
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'vault.key_file_busy' });
    }
  });

  test('whose lock was left behind is not changed, and the error says which file to remove', async () => {
    await addSecretKey(file, first, NOW);
    await writeFile(`${file}.lock`, '');
    await expect(addSecretKey(file, second, NOW)).rejects.toMatchObject({
      code: 'vault.key_file_busy',
      message: expect.stringContaining(`${file}.lock`),
    });
    expect([...(await readSecretKeys(file)).keys()]).toEqual([first.publicKey.id]);
  });

  test('that is damaged is not added to', async () => {
    await writeFile(file, 'canary{', { mode: 0o600 });
    await expect(addSecretKey(file, first, NOW)).rejects.toMatchObject({ code: 'vault.key_file_unreadable' });
    await expect(ensureSecretKeys(file, NOW)).rejects.toMatchObject({ code: 'vault.key_file_unreadable' });
    expect(await readFile(file, 'utf8')).toBe('canary{');
    expect(await readdir(folder)).toEqual(['keys.json']);
  });

  test('refuses the same key twice', async () => {
    await addSecretKey(file, first, NOW);
    await expect(addSecretKey(file, first, NOW)).rejects.toMatchObject({ message: expect.stringContaining('twice') });
  });

  test('cannot be made in a folder that does not exist, and says so', async () => {
    await expect(ensureSecretKeys(path.join(folder, 'no', 'keys.json'), NOW)).rejects.toMatchObject({
      code: 'vault.key_file_unwritable',
      message: expect.stringContaining('its folder must exist'),
    });
  });

  test('that is missing is named with the remedy', async () => {
    const error = await refusal();
    expect(error).toMatchObject({ code: 'vault.key_missing', message: expect.stringContaining(file) });
    expect(error).toMatchObject({ message: expect.stringContaining('tidemark keys generate') });
  });

  test.each([
    ['is empty', '', /does not parse/],
    ['is no JSON', 'canary{', /does not parse/],
    ['was cut in the middle', json(good, good).slice(0, -60), /does not parse/],
    ['holds no keys', json(), /another shape \(keys\)/],
    ['is another kind of JSON', '"canary"', /another shape \(at the top\)/],
    ['has a newer version', '{"version":2,"keys":[]}', /another shape \(version\)/],
    ['has an unknown member', json({ ...good, canary: 'canary' }), /another shape \(keys\.0\)/],
    ['has a key that is no base64', json({ ...good, secretKey: 'canary!' }), /another shape \(keys\.0\.secretKey\)/],
    ['has a truncated key', json(good, entry(new Uint8Array(31), 'x')), /keys\.1: expected 32 bytes, found 31/],
    ['has a key under a wrong id', json({ ...good, id: 'canary' }), /keys\.0: its id should be/],
    ['has a key twice', json(good, good), /keys\.1: [0-9a-f]{16} is listed twice/],
    ['is far too long', json(good) + ' '.repeat(70_000), /expected at most 65536 bytes/],
  ])('that %s is refused: path and reason, no content', async (_name, text, message) => {
    await writeFile(file, text, { mode: 0o600 });
    const error = await refusal();
    expect(error).toMatchObject({ code: 'vault.key_file_unreadable', message: expect.stringMatching(message) });
    expect(error).toMatchObject({ message: expect.stringContaining(file) });
    expect(inspect(error)).not.toContain('canary');
    expect(inspect(error)).not.toContain(good['secretKey']);
  });

  test.each([0o644, 0o640, 0o604, 0o660])('with mode %o is refused, with the remedy', async (mode) => {
    await addSecretKey(file, first, NOW);
    await chmod(file, mode);
    expect(await refusal()).toMatchObject({
      code: 'vault.key_file_unreadable',
      message: expect.stringMatching(/expected mode 0600, found 06[0-9]{2}: run chmod 600/),
    });
  });

  test('that is a folder is refused', async () => {
    await mkdir(file, { mode: 0o700 });
    expect(await refusal()).toMatchObject({ message: expect.stringContaining('expected a file, found a folder') });
  });

  test('may be a link, but what it leads to must be private', async () => {
    const target = path.join(folder, 'target.json');
    await writeFile(target, json(good), { mode: 0o644 });
    await symlink(target, file);
    expect(await refusal()).toMatchObject({ message: expect.stringContaining('expected mode 0600') });
    await chmod(target, 0o600);
    expect([...(await readSecretKeys(file)).keys()]).toEqual([first.publicKey.id]);
  });
});

describe('the status of keys', () => {
  const ring = publicRing([second.publicKey, first.publicKey]);

  test('without secret keys leaves open who holds them', () => {
    expect(keysStatus(ring)).toEqual([
      { id: second.publicKey.id, isCurrent: true, isListed: true, isSecretHeld: null },
      { id: first.publicKey.id, isCurrent: false, isListed: true, isSecretHeld: null },
    ]);
  });

  test('with secret keys tells what would not open, and which keys only open', () => {
    const secret = new Map([[first.publicKey.id, first]]);
    expect(keysStatus(publicRing([second.publicKey]), secret)).toEqual([
      { id: second.publicKey.id, isCurrent: true, isListed: true, isSecretHeld: false },
      { id: first.publicKey.id, isCurrent: false, isListed: false, isSecretHeld: true },
    ]);
  });
});

test('a stored token hash of the wrong length matches nothing', () => {
  expect(isTokenOfHash('tm_x', hashToken('tm_x').subarray(0, 31))).toBe(false);
});
