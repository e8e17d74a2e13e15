// Files that people sent. An id gives an address for five minutes, and the address wants the token again.

import { createHash } from 'node:crypto';
import type { SimulatorAnswer, SimulatorRequest } from '../server.ts';
import { unknownObject } from './failure.ts';
import type { Ids } from './ids.ts';
import type { Waba } from './world.ts';

export interface MediaFile {
  readonly id: string;
  readonly waba: Waba;
  readonly mimeType: string;
  readonly content: string;
  /** Base64 of the digest, as webhooks have it. */
  readonly sha256: string;
}

export interface MediaStore {
  readonly all: ReadonlyMap<string, MediaFile>;
  /** Content is text: nobody here looks into a picture. */
  add(waba: Waba, mimeType: string, content?: string): MediaFile;
  /** After the platform's days of keeping are over. */
  remove(id: string): void;
  /** Answer of `GET /{media}`. `phone_number_id` must be of the account that got the file. */
  describe(file: MediaFile, request: SimulatorRequest): object;
  /** Answer of the address that `describe` gave; 404 once it is too old. */
  download(request: SimulatorRequest): SimulatorAnswer;
}

const ADDRESS_LIVES_MS = 5 * 60_000;
/** The address of a file on this simulator. */
export const DOWNLOAD_PATH = '/whatsapp_business/attachments/';

export function createMedia(deps: { ids: Ids; now: () => Date; baseUrl: () => string }): MediaStore {
  const { ids, now, baseUrl } = deps;
  const all = new Map<string, MediaFile>();
  return {
    all,
    add(waba, mimeType, content = `file of ${waba.id}`) {
      const sha256 = createHash('sha256').update(content).digest('base64');
      const file: MediaFile = { id: ids.numeric(), waba, mimeType, content, sha256 };
      all.set(file.id, file);
      return file;
    },
    remove: (id) => void all.delete(id),
    describe({ id, waba, mimeType, content, sha256 }, { query }) {
      const number = query.get('phone_number_id');
      if (number !== null && !waba.numbers.some((own) => own.id === number)) throw unknownObject(id, 'GET');
      const address = new URLSearchParams({ mid: id, ext: String(now().getTime() + ADDRESS_LIVES_MS) });
      return {
        messaging_product: 'whatsapp',
        url: `${baseUrl()}${DOWNLOAD_PATH}?${address.toString()}`,
        mime_type: mimeType,
        // Here the digest is hexadecimal, in webhooks it is base64.
        sha256: Buffer.from(sha256, 'base64').toString('hex'),
        file_size: String(Buffer.byteLength(content)),
        id,
      };
    },
    download({ query }) {
      const file = all.get(query.get('mid') ?? '');
      const isOver = Number(query.get('ext') ?? 0) < now().getTime();
      if (file === undefined || isOver) return { status: 404, body: 'Not Found' };
      return { status: 200, headers: { 'content-type': file.mimeType }, body: file.content };
    },
  };
}
