// Importing a file of the past with everything at hand: the file on this machine, the worker's login, the public keys that what
// cannot be read is sealed to.

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { telegramExport } from '../connectors/telegram/export/index.ts';
import { systemClock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { importTalk, type ImportReport } from '../ops/import-talk.ts';
import { sealerOf } from './connect.ts';
import type { SessionOptions } from './session.ts';
import { openWorkerSession } from './worker-session.ts';

export interface HistoryImport {
  readonly integrationId: string;
  readonly file: string;
  /** Of the machine that made the export; only old ones need it. */
  readonly timezone?: string;
  /** `check`: reads all of it and writes nothing. */
  readonly mode: 'store' | 'check';
  readonly onProgress: (readBytes: number, totalBytes: number, messages: number) => void;
}

/** Throws `usage.invalid` for a file that cannot be read or an unknown zone, `config.invalid`, and as `importTalk` does. */
export async function importHistory(options: SessionOptions, request: HistoryImport): Promise<ImportReport> {
  const { integrationId, file, timezone, mode, onProgress } = request;
  assertZone(timezone);
  const totalBytes = await sizeOf(file);
  const { worker, close } = await openWorkerSession(options);
  const chunks = createReadStream(file, { signal: options.signal });
  try {
    return await importTalk(
      { worker, openSealer: () => sealerOf(options.config), clock: systemClock },
      {
        integrationId,
        platform: 'telegram',
        fileName: path.basename(file),
        open: ({ accountId }) => telegramExport({ accountId, ...(timezone === undefined ? {} : { timezone }) }),
        chunks,
        mode,
        signal: options.signal,
        onProgress: (readBytes, messages) => onProgress(readBytes, totalBytes, messages),
      },
    );
  } finally {
    chunks.destroy();
    await close();
  }
}

function assertZone(timezone: string | undefined): void {
  if (timezone === undefined) return;
  try {
    Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    throw new AppError(
      'usage.invalid',
      `--timezone: expected an IANA zone like Europe/Berlin, got ${JSON.stringify(timezone)}`,
    );
  }
}

/** Opened, not only asked: a file that may not be read is told before anything begins. */
async function sizeOf(file: string): Promise<number> {
  try {
    const handle = await open(file);
    try {
      const stat = await handle.stat();
      if (stat.isFile()) return stat.size;
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new AppError('usage.invalid', `--file: cannot read ${file} (${code})`, { cause: error });
  }
  throw new AppError('usage.invalid', `--file: expected a file, got ${file}`);
}
