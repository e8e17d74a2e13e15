// The file of secret keys: JSON, readable by its owner only, written whole or not at all, newest key first. A key that
// was ever handed out must never disappear from it, because what was sealed to it would be lost.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { generateKeyPair, keyPairOf, type KeyPair, type SecretKeyRing } from './key-ring.ts';
import { createPrivateFile, replacePrivateFile, withFileLock } from './private-file.ts';

const MAX_KEYS = 100;
const MAX_FILE_BYTES = 64 * 1024;
const KEY_BYTES = 32;

const fileSchema = z.strictObject({
  version: z.literal(1),
  keys: z
    .array(z.strictObject({ id: z.string(), secretKey: z.base64(), createdAt: z.iso.datetime() }))
    .min(1)
    .max(MAX_KEYS),
});

type Entry = z.output<typeof fileSchema>['keys'][number];

/** Key pairs of the file, newest first. Throws `vault.key_missing`, `vault.key_file_unreadable`. */
export async function readSecretKeys(path: string): Promise<SecretKeyRing> {
  return toRing(path, await readEntries(path));
}

/**
 * Key pairs of the file, which is made with a first key when it is missing. Processes that start at once all get the
 * same key. Throws `vault.key_file_unreadable`, `vault.key_file_unwritable`.
 */
export async function ensureSecretKeys(path: string, now: Date): Promise<SecretKeyRing> {
  try {
    return await readSecretKeys(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  await createPrivateFile(path, render([entryOf(generateKeyPair(), now)]));
  return await readSecretKeys(path);
}

/**
 * Adds a key in front of those that the file holds, and makes the file when it is missing. Throws
 * `vault.key_file_busy` when another process is at it, `vault.key_file_unreadable`, `vault.key_file_unwritable`.
 */
export async function addSecretKey(path: string, pair: KeyPair, now: Date): Promise<void> {
  const added = entryOf(pair, now);
  if (await createPrivateFile(path, render([added]))) return;
  await withFileLock(path, async () => {
    const entries = [added, ...(await readEntries(path))];
    if (entries.length > MAX_KEYS) throw unreadable(path, `expected fewer than ${MAX_KEYS} keys to add one`);
    toRing(path, entries);
    await replacePrivateFile(path, render(entries));
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof AppError && error.code === 'vault.key_missing';
}

function unreadable(path: string, problem: string, cause?: unknown): AppError {
  return new AppError('vault.key_file_unreadable', `secret keys file ${path}: ${problem}`, { cause });
}

function entryOf({ publicKey, secretKey }: KeyPair, now: Date): Entry {
  return {
    id: publicKey.id,
    secretKey: Buffer.from(secretKey.reveal()).toString('base64'),
    createdAt: now.toISOString(),
  };
}

function render(keys: readonly Entry[]): string {
  return `${JSON.stringify({ version: 1, keys }, null, 2)}\n`;
}

function toRing(path: string, entries: readonly Entry[]): SecretKeyRing {
  const ring = new Map<string, KeyPair>();
  for (const [index, { id, secretKey }] of entries.entries()) {
    const bytes = new Uint8Array(Buffer.from(secretKey, 'base64'));
    if (bytes.length !== KEY_BYTES)
      throw unreadable(path, `keys.${index}: expected ${KEY_BYTES} bytes, found ${bytes.length}`);
    const pair = keyPairOf(bytes);
    if (pair.publicKey.id !== id) throw unreadable(path, `keys.${index}: its id should be ${pair.publicKey.id}`);
    if (ring.has(id)) throw unreadable(path, `keys.${index}: ${id} is listed twice`);
    ring.set(id, pair);
  }
  return ring;
}

async function readEntries(path: string): Promise<readonly Entry[]> {
  const text = await readText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message would quote the file.
    throw unreadable(path, 'expected JSON, which does not parse: restore it from its backup');
  }
  const parsed = fileSchema.safeParse(json);
  if (parsed.success) return parsed.data.keys;
  const where = parsed.error.issues[0]?.path.join('.') || 'at the top';
  throw unreadable(path, `expected {version: 1, keys: [{id, secretKey, createdAt}]}, found another shape (${where})`);
}

async function readText(path: string): Promise<string> {
  let handle: FileHandle | undefined;
  try {
    // Without `O_NONBLOCK` a named pipe would keep us waiting for its writer.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    await checkFile(path, handle);
    return await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'ENOENT')
      throw new AppError(
        'vault.key_missing',
        `expected the secret keys in ${path}, which does not exist: run \`tidemark keys generate\``,
      );
    throw unreadable(path, `cannot be read (${code}): it must belong to the user that runs the worker`, error);
  } finally {
    await handle?.close();
  }
}

/** Looks at the opened file, so that what was checked is what is read. */
async function checkFile(path: string, handle: FileHandle): Promise<void> {
  const facts = await handle.stat();
  if (!facts.isFile())
    throw unreadable(path, `expected a file, found ${facts.isDirectory() ? 'a folder' : 'a device'}`);
  if ((facts.mode & 0o077) !== 0) {
    const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
    throw unreadable(path, `expected mode 0600, found ${mode}: run chmod 600 on it`);
  }
  if (facts.size > MAX_FILE_BYTES)
    throw unreadable(path, `expected at most ${MAX_FILE_BYTES} bytes, found ${facts.size}`);
}
