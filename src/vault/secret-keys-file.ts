// The file of secret keys: JSON, readable by its owner only, written whole or not at all. Newest key first.

import { chmod, open, readFile, rename, stat } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { keyPairOf, type KeyPair, type SecretKeyRing } from './key-ring.ts';

const fileSchema = z.strictObject({
  version: z.literal(1),
  keys: z
    .array(z.strictObject({ id: z.string(), secretKey: z.base64(), createdAt: z.iso.datetime() }))
    .min(1)
    .max(100),
});

const KEY_BYTES = 32;

function unreadable(path: string, problem: string, cause?: unknown): AppError {
  return new AppError('vault.key_file_unreadable', `secret keys file ${path}: ${problem}`, { cause });
}

async function readText(path: string): Promise<string> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) throw unreadable(path, 'expected a file');
    if ((facts.mode & 0o077) !== 0) {
      throw unreadable(
        path,
        `expected mode 0600, found ${(facts.mode & 0o777).toString(8).padStart(4, '0')}: run chmod 600 on it`,
      );
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'ENOENT')
      throw new AppError(
        'vault.key_missing',
        `expected the secret keys in ${path}, which does not exist: run \`tidemark keys generate\``,
      );
    throw unreadable(path, `cannot be read (${code})`, error);
  }
}

function parse(path: string, text: string): z.output<typeof fileSchema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message would quote the file.
    throw unreadable(path, 'expected JSON, which does not parse');
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success)
    throw unreadable(
      path,
      `expected {version, keys: [{id, secretKey, createdAt}]} (${parsed.error.issues[0]?.path.join('.')})`,
    );
  return parsed.data;
}

/** Key pairs of the file, newest first. Throws `vault.key_missing`, `vault.key_file_unreadable`. */
export async function readSecretKeys(path: string): Promise<SecretKeyRing> {
  const { keys } = parse(path, await readText(path));
  const ring = new Map<string, KeyPair>();
  for (const [index, { id, secretKey }] of keys.entries()) {
    const bytes = new Uint8Array(Buffer.from(secretKey, 'base64'));
    if (bytes.length !== KEY_BYTES) throw unreadable(path, `keys.${index}: expected ${KEY_BYTES} bytes`);
    const pair = keyPairOf(bytes);
    if (pair.publicKey.id !== id) throw unreadable(path, `keys.${index}: its id should be ${pair.publicKey.id}`);
    if (ring.has(id)) throw unreadable(path, `keys.${index}: ${id} is listed twice`);
    ring.set(id, pair);
  }
  return ring;
}

/** Adds a key in front of those that the file holds, and makes the file when it is missing. */
export async function addSecretKey(path: string, pair: KeyPair, now: Date): Promise<void> {
  let older: z.output<typeof fileSchema>['keys'] = [];
  try {
    older = parse(path, await readText(path)).keys;
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'vault.key_missing')) throw error;
  }
  const added = {
    id: pair.publicKey.id,
    secretKey: Buffer.from(pair.secretKey.reveal()).toString('base64'),
    createdAt: now.toISOString(),
  };
  const draft = `${path}.${uuidv7()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ version: 1, keys: [added, ...older] }, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chmod(draft, 0o600);
  await rename(draft, path);
}
