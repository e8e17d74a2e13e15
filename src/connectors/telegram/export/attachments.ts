// What a message of an export carries besides text: which kind of message that makes it, and its file as far as the export names
// it. A path in the export's folder is not kept: the next export of the same chat numbers its files anew.

import { z } from 'zod';
import type { Attachment } from '../../../core/records.ts';
import { count, maybeText } from '../../toolkit/scalars.ts';

export const mediaSchema = z.object({
  media_type: maybeText,
  file: maybeText,
  file_name: maybeText,
  file_size: count.nullish(),
  photo: maybeText,
  photo_file_size: count.nullish(),
  mime_type: maybeText,
  contact_information: z.unknown().optional(),
  location_information: z.unknown().optional(),
  place_name: maybeText,
  game_title: maybeText,
  invoice_information: z.unknown().optional(),
  poll: z.unknown().optional(),
});

export type Media = z.output<typeof mediaSchema>;

/** The Bot API's words for the export's; those of both that are the same are not listed. */
const BOT_API_WORDS: Readonly<Record<string, string>> = {
  video_message: 'video_note',
  voice_message: 'voice',
  video_file: 'video',
  audio_file: 'audio',
};

/** The Bot API's word for the kind of message. */
export function messageTypeOf(media: Media): string {
  if (media.media_type !== null) return BOT_API_WORDS[media.media_type] ?? media.media_type;
  if (media.photo !== null) return 'photo';
  if (media.file !== null) return 'document';
  if (media.contact_information != null) return 'contact';
  if (media.place_name !== null) return 'venue';
  // Null where the place was not valid.
  if (media.location_information !== undefined) return 'location';
  if (media.game_title !== null) return 'game';
  if (media.invoice_information != null) return 'invoice';
  return media.poll == null ? 'text' : 'poll';
}

/** Stands where a path would: "(File not included. Change …)", in some versions behind the name. */
const PLACEHOLDER = /\s*\((?:File|Photo|Video) [^()]*\)$/;
/** Names that the exporter made up: `video_12@03-05-2026_10-11-12.mp4`. */
const MADE_UP = /^[a-z_]+_\d+@[\d_-]+(?:\.\w+)?$/i;
/** Files that never had a name of their own. */
const NAMELESS: ReadonlySet<string> = new Set(['photo', 'sticker', 'voice', 'video_note']);

function nameOf(path: string): string | null {
  const name = path.replace(PLACEHOLDER, '').split('/').at(-1) ?? '';
  return name === '' || MADE_UP.test(name) ? null : name;
}

export function attachmentsOf(media: Media): readonly Attachment[] {
  const path = media.photo ?? media.file;
  if (path === null) return [];
  const type = messageTypeOf(media);
  const sizeBytes = media.photo === null ? media.file_size : media.photo_file_size;
  return [
    {
      id: null,
      type,
      name: NAMELESS.has(type) ? null : (media.file_name ?? nameOf(path)),
      ...(media.mime_type === null ? {} : { mimeType: media.mime_type }),
      ...(sizeBytes == null || sizeBytes < 0 ? {} : { sizeBytes }),
    },
  ];
}
