// A file of a user's own past beside what an integration received: page by page, each in a transaction of its own under a lease
// of the user. What was stored stays, and the same file again changes nothing, so an import that broke off is simply repeated.

import type { Clock } from '../core/clock.ts';
import { AppError, isAbort, toAppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { TalkFile } from '../connectors/contract/talk-file.ts';
import { beginImport, endImport, findImportTarget, type EndedImport, type ImportTarget } from '../store/imports.ts';
import { releaseLease } from '../store/stream-leases.ts';
import { checkTalkPage, newestOf, type CheckedPage } from './check-talk-page.ts';
import { addCounts, MAX_PROBLEMS, NOTHING_IMPORTED, type ImportCounts, type Problem } from './import-counts.ts';
import type { Sealer } from '../vault/sealer.ts';
import { storeTalkPage, type HeldImport, type PageStore, type StoredPage } from './store-talk-page.ts';

export interface ImportDeps extends Pick<PageStore, 'worker'> {
  /** Asked for when something is going to be stored. */
  readonly openSealer: () => Promise<Sealer>;
  readonly clock: Clock;
}

export interface TalkImport {
  readonly integrationId: string;
  readonly platform: PlatformId;
  readonly fileName: string;
  /** What reads the file, once the account is known. */
  readonly open: (target: ImportTarget) => TalkFile;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** `check`: reads all of it and writes nothing. */
  readonly mode: 'store' | 'check';
  readonly signal: AbortSignal;
  readonly onProgress: (readBytes: number, messages: number) => void;
}

export interface ImportReport {
  /** In `import_history`; null: nothing was written. */
  readonly importId: string | null;
  readonly status: 'success' | 'partial';
  readonly counts: ImportCounts;
  /** The first ones. */
  readonly problems: readonly Problem[];
}

/**
 * Throws `usage.invalid` for an integration that is not of the platform, or what the file cannot be read without,
 * `import.file_invalid` where the file stops being one (what came before it is stored), `import.taken_over` when another import of
 * the integration begins, `db.*`, and the signal's reason.
 */
export async function importTalk(deps: ImportDeps, request: TalkImport): Promise<ImportReport> {
  const { integrationId, platform, fileName, mode } = request;
  const target = await findImportTarget(deps.worker, { integrationId, platform });
  if (target === null) throw noIntegration(request);
  const file = request.open(target);
  if (mode === 'check') {
    return await readAll(request, file, (page, { counts, isFirstOfTalk }) =>
      Promise.resolve(tally(page, counts, isFirstOfTalk)),
    );
  }
  const sealer = await deps.openSealer();
  const id = uuidv7(deps.clock.now().getTime());
  const token = await beginImport(deps.worker, { id, integrationId, platform, source: file.source, fileName });
  if (token === null) throw noIntegration(request);
  const held: HeldImport = { id, integrationId, platform, source: file.source, token, target };
  try {
    const report = await readAll(request, file, async (page, { counts, isFirstOfTalk, lastMessageAt }) => {
      const talk = page.talk === null ? null : { ...page.talk, lastMessageAt, sourceUpdatedAt: lastMessageAt };
      return await storeTalkPage({ worker: deps.worker, sealer }, held, {
        page,
        talk,
        isFirstOfTalk,
        counts,
        now: deps.clock.now(),
      });
    });
    await end(deps, held, { status: report.status, errorCode: null });
    return { ...report, importId: id };
  } catch (error) {
    const isCancelled = isAbort(error) || error === request.signal.reason;
    const errorCode = isCancelled ? null : toAppError(error).code;
    // A database that is gone cannot be told; then the next import of the integration ends this one.
    await end(deps, held, { status: isCancelled ? 'cancelled' : 'failed', errorCode }).catch(() => undefined);
    throw error;
  }
}

function noIntegration({ integrationId, platform }: TalkImport): AppError {
  return new AppError(
    'usage.invalid',
    `expected the id of a connected integration of ${platform}, got ${integrationId}`,
  );
}

interface Place {
  readonly counts: ImportCounts;
  readonly isFirstOfTalk: boolean;
  /** Of the talk's messages so far. */
  readonly lastMessageAt: Date | null;
}

async function readAll(
  { chunks, signal, onProgress }: TalkImport,
  file: TalkFile,
  take: (page: CheckedPage, place: Place) => Promise<StoredPage>,
): Promise<ImportReport> {
  let counts = NOTHING_IMPORTED;
  let problems: readonly Problem[] = [];
  let path: string | null = null;
  let lastMessageAt: Date | null = null;
  try {
    for await (const page of file.pages(chunks)) {
      signal.throwIfAborted();
      const checked = checkTalkPage(file, page);
      const isFirstOfTalk: boolean = page.talk.path !== path;
      lastMessageAt = newestOf([isFirstOfTalk ? null : lastMessageAt, checked.lastMessageAt]);
      path = page.talk.path;
      const stored: StoredPage = await take(checked, { counts, isFirstOfTalk, lastMessageAt });
      counts = stored.counts;
      if (problems.length < MAX_PROBLEMS) problems = [...problems, ...stored.problems].slice(0, MAX_PROBLEMS);
      onProgress(page.readBytes, counts.messages.read);
    }
  } catch (error) {
    throw howFar(error, counts);
  }
  const { talks, messages } = counts;
  return { importId: null, status: talks.refused + messages.refused > 0 ? 'partial' : 'success', counts, problems };
}

/** A file that breaks off is told with what was read before that. */
function howFar(error: unknown, counts: ImportCounts): unknown {
  if (!(error instanceof AppError) || error.code !== 'import.file_invalid' || counts.messages.read === 0) return error;
  const { talks, messages } = counts;
  const before = `${messages.read} messages of ${talks.read} talks before that were read, and are not lost`;
  return new AppError(error.code, `${error.message} (${before})`, {
    cause: error,
    details: { ...error.details, counts },
  });
}

function tally(page: CheckedPage, counts: ImportCounts, isFirstOfTalk: boolean): StoredPage {
  const { messages, bad, duplicates, problems } = page;
  const read = messages.length + bad.length + duplicates;
  const effect: ImportCounts = {
    talks: {
      ...NOTHING_IMPORTED.talks,
      read: Number(isFirstOfTalk),
      refused: Number(isFirstOfTalk && page.talk === null),
    },
    messages: { ...NOTHING_IMPORTED.messages, read, duplicate: duplicates, refused: bad.length },
  };
  return { counts: addCounts(counts, effect), problems };
}

/** The lease goes with the import, in whatever state the file was. */
async function end(
  { worker, clock }: ImportDeps,
  { id, token }: HeldImport,
  ended: Pick<EndedImport, 'status' | 'errorCode'>,
): Promise<void> {
  await worker.tx({ kind: 'lease', token }, (tx) => endImport(tx, { id, ...ended, now: clock.now() }));
  await releaseLease(worker, token);
}
