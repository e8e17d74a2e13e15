// Files of the simulated Telegram. An id of a file is good for one bot only, its unique id for all; a path for downloading
// lives for a while.

import { hashText } from '../random.ts';
import { badRequest } from './failure.ts';
import type { PlatformTime } from './time.ts';

export type FileFolder = 'photos' | 'videos' | 'music' | 'documents' | 'animations' | 'voice' | 'stickers';

export interface NewFile {
  readonly name?: string;
  readonly mimeType?: string;
  /** Text, which is all that the simulator's answers can hold. */
  readonly content?: string;
  /** Bytes; default those of the content. */
  readonly size?: number;
  readonly folder?: FileFolder;
}

export interface StoredFile {
  readonly fileId: string;
  readonly uniqueId: string;
  readonly name: string;
  readonly mimeType: string;
  readonly content: string;
  readonly size: number;
  readonly folder: FileFolder;
}

const MAX_DOWNLOAD = 20 * 1024 ** 2;
const SMALL = /\.s$/;

/** The id of a photo's smallest size; opens the same file. */
export function smallIdOf({ fileId }: StoredFile): string {
  return `${fileId}.s`;
}

export class Files {
  readonly #byId = new Map<string, StoredFile>();
  readonly #paths = new Map<string, { readonly file: StoredFile; readonly botId: number; readonly until: number }>();
  readonly #time: PlatformTime;

  constructor(time: PlatformTime) {
    this.#time = time;
  }

  add(botId: number, { name = 'file.bin', mimeType = 'application/octet-stream', ...rest }: NewFile = {}): StoredFile {
    const content = rest.content ?? name;
    const size = rest.size ?? Buffer.byteLength(content);
    const fileId = Buffer.from(`file ${botId} ${this.#byId.size + 1}`).toString('base64url');
    const uniqueId = `AQAD${hashText(`${name} ${size} ${content}`).toString(36)}`;
    const file: StoredFile = { fileId, uniqueId, name, mimeType, content, size, folder: rest.folder ?? 'documents' };
    this.#byId.set(`${botId} ${fileId}`, file);
    return file;
  }

  /** Throws the refusal of an id that is unknown or another bot's. */
  find(botId: number, fileId: string): StoredFile {
    const file = this.#byId.get(`${botId} ${fileId.replace(SMALL, '')}`);
    if (file === undefined) throw badRequest('wrong file_id or the file is temporarily unavailable');
    return file;
  }

  /** The answer of `getFile`: its path says nothing of the file's name. */
  open(botId: number, fileId: string, livesMs: number): object {
    const file = this.find(botId, fileId);
    if (file.size > MAX_DOWNLOAD) throw badRequest('file is too big');
    const ending = /\.\w+$/.exec(file.name)?.[0] ?? '';
    const path = `${file.folder}/file_${this.#paths.size}${ending}`;
    this.#paths.set(path, { file, botId, until: this.#time.mono() + livesMs });
    return { file_id: file.fileId, file_unique_id: file.uniqueId, file_size: file.size, file_path: path };
  }

  /** Undefined for a path that was never given to this bot, or too long ago. */
  download(botId: number, path: string): StoredFile | undefined {
    const opened = this.#paths.get(path);
    return opened !== undefined && opened.botId === botId && opened.until > this.#time.mono() ? opened.file : undefined;
  }
}
