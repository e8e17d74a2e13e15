// Writing a file that only its owner may read: whole or not at all, still there after a power cut, and never over
// somebody else's newer content. It must leave no draft with secrets behind.

import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../core/errors.ts';
import { randomToken } from '../core/ids.ts';

/** Makes the file, mode 0600. False: it exists, and stays as it is. Throws `vault.key_file_unwritable`. */
export async function createPrivateFile(path: string, text: string): Promise<boolean> {
  return await withDraft(path, text, async (draft) => {
    try {
      // Unlike a rename, a link never replaces what another process made meanwhile.
      await link(draft, path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  });
}

/** Replaces the file, mode 0600; the caller holds its lock. Throws `vault.key_file_unwritable`. */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  await withDraft(path, text, (draft) => rename(draft, path));
}

/**
 * Runs `work` while no other process does so for the same file. Does not wait: throws `vault.key_file_busy` when the
 * lock is taken, because it is held for milliseconds or was left behind by a crash, which a person has to look at.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  try {
    await (await open(lock, 'wx', 0o600)).close();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unwritable(path, error);
    throw new AppError(
      'vault.key_file_busy',
      `expected to be alone in changing ${path}, but ${lock} exists: try again, and remove it if no other process is at work`,
      { cause: error },
    );
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function withDraft<T>(path: string, text: string, publish: (draft: string) => Promise<T>): Promise<T> {
  const draft = `${path}.${randomToken()}`;
  try {
    await writeDraft(draft, text);
    const published = await publish(draft);
    await syncFolder(dirname(path));
    return published;
  } catch (error) {
    throw unwritable(path, error);
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDraft(draft: string, text: string): Promise<void> {
  const handle = await open(draft, 'wx', 0o600);
  try {
    // The umask may have taken away even the owner's right to read.
    await handle.chmod(0o600);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A new name survives a power cut only once its folder is on disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function unwritable(path: string, cause: unknown): AppError {
  const code = codeOf(cause) ?? 'unknown error';
  return new AppError(
    'vault.key_file_unwritable',
    `secret keys file ${path}: cannot be written (${code}): its folder must exist and belong to the user that writes it`,
    { cause },
  );
}
