// The file of secret keys: JSON, readable by its owner only, written whole or not at all, newest key first. A key
// leaves it only after the database has confirmed that nothing is sealed to it, because what is would be lost.

import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { generateKeyPair, keyPairOf, type KeyPair, type SecretKeyRing } from './key-ring.ts';
import { createPrivateFile, replacePrivateFile, withFileLock } from './private-file.ts';

const MAX_KEYS = 100;
const MAX_FILE_BYTES = 64 * 1024;
const KEY_BYTES = 32;
/** Without `O_NONBLOCK` a named pipe would keep us waiting for its writer. */
const READING = constants.O_RDONLY | constants.O_NONBLOCK;

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
 * The same at once: for a process that has met a key it does not hold and cannot wait. Throws like `readSecretKeys`.
 */
export function readSecretKeysNow(path: string): SecretKeyRing {
  let file: number | undefined;
  try {
    file = openSync(path, READING);
    checkFile(path, fstatSync(file));
    return toRing(path, parse(path, readFileSync(file, 'utf8')));
  } catch (error) {
    throw readingFailed(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
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

/**
 * Takes a key out of the file; false: it is not in there. Throws `vault.key_in_use` for the newest key, which new values
 * may be sealed to, and as `addSecretKey` does.
 */
export async function removeSecretKey(path: string, keyId: string): Promise<boolean> {
  return await withFileLock(path, async () => {
    const entries = await readEntries(path);
    toRing(path, entries);
    if (entries[0]?.id === keyId)
      throw new AppError(
        'vault.key_in_use',
        `expected an older key than ${keyId}, which is the current one of ${path}`,
      );
    const kept = entries.filter(({ id }) => id !== keyId);
    if (kept.length === entries.length) return false;
    await replacePrivateFile(path, render(kept));
    return true;
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
  return parse(path, await readText(path));
}

function parse(path: string, text: string): readonly Entry[] {
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
    handle = await open(path, READING);
    checkFile(path, await handle.stat());
    return await handle.readFile('utf8');
  } catch (error) {
    throw readingFailed(path, error);
  } finally {
    await handle?.close();
  }
}

function readingFailed(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  if (code === 'ENOENT')
    return new AppError(
      'vault.key_missing',
      `expected the secret keys in ${path}, which does not exist: run \`tidemark keys generate\``,
    );
  return unreadable(path, `cannot be read (${code}): it must belong to the user that runs the worker`, error);
}

/** Looks at the opened file, so that what was checked is what is read. */
function checkFile(path: string, facts: Stats): void {
  if (!facts.isFile())
    throw unreadable(path, `expected a file, found ${facts.isDirectory() ? 'a folder' : 'a device'}`);
  if ((facts.mode & 0o077) !== 0) {
    const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
    throw unreadable(path, `expected mode 0600, found ${mode}: run chmod 600 on it`);
  }
  if (facts.size > MAX_FILE_BYTES)
    throw unreadable(path, `expected at most ${MAX_FILE_BYTES} bytes, found ${facts.size}`);
}
