// What a media message holds once it is sent: a file by its id, by a link that Telegram fetches, or one that came along.

import type { Call } from './bot.ts';
import { badRequest } from './failure.ts';
import { smallIdOf, type FileFolder, type StoredFile } from './files.ts';
import { textIn, uploadIn } from './parameters.ts';

export type MediaKind = 'photo' | 'video' | 'audio' | 'document' | 'animation' | 'voice' | 'sticker';

const FOLDERS: Readonly<Record<MediaKind, FileFolder>> = {
  photo: 'photos',
  video: 'videos',
  audio: 'music',
  document: 'documents',
  animation: 'animations',
  voice: 'voice',
  sticker: 'stickers',
};
const MIME_TYPES: Readonly<Record<MediaKind, string>> = {
  photo: 'image/jpeg',
  video: 'video/mp4',
  audio: 'audio/mpeg',
  document: 'application/pdf',
  animation: 'video/mp4',
  voice: 'audio/ogg',
  sticker: 'image/webp',
};

/** Throws the refusal of a file that is not there. */
export function mediaFields(call: Call, kind: MediaKind): Readonly<Record<string, unknown>> {
  return fieldsOf(kind, fileIn(call, kind));
}

/** Fields of a message with this file. */
export function fieldsOf(kind: MediaKind, file: StoredFile): Readonly<Record<string, unknown>> {
  const id = { file_id: file.fileId, file_unique_id: file.uniqueId, file_size: file.size };
  const named = { ...id, file_name: file.name, mime_type: file.mimeType };
  switch (kind) {
    case 'photo':
      return {
        photo: [
          { file_id: smallIdOf(file), file_unique_id: `${file.uniqueId}s`, file_size: 900, width: 90, height: 67 },
          { ...id, width: 1280, height: 960 },
        ],
      };
    case 'video':
      return { video: { ...named, width: 640, height: 360, duration: 12 } };
    case 'audio':
      return { audio: { ...named, duration: 180, title: 'Song' } };
    case 'document':
      return { document: named };
    case 'animation':
      // Told twice, for clients that do not know animations.
      return { animation: { ...named, width: 320, height: 240, duration: 3 }, document: named };
    case 'voice':
      return { voice: { ...id, mime_type: file.mimeType, duration: 7 } };
    case 'sticker':
      return { sticker: { ...id, type: 'regular', width: 512, height: 512, is_animated: false, is_video: false } };
  }
}

function fileIn({ platform, bot, parameters }: Call, kind: MediaKind): StoredFile {
  const { files, traps } = platform;
  const added = { folder: FOLDERS[kind], mimeType: MIME_TYPES[kind] };
  const upload = uploadIn(parameters, kind);
  if (upload !== undefined) return files.add(bot.user.id, { ...added, name: upload.name, size: upload.size });
  const given = textIn(parameters, kind);
  if (given === '') throw badRequest(`there is no ${kind} in the request`);
  if (!/^https?:\/\//i.test(given)) return files.find(bot.user.id, given);
  const link = URL.parse(given);
  if (link === null) throw badRequest('wrong HTTP URL specified');
  if (traps.unreachableLinks.has(given)) throw badRequest('failed to get HTTP URL content');
  return files.add(bot.user.id, { ...added, name: link.pathname.split('/').at(-1) || 'file', content: given });
}
