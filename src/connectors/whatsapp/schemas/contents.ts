// What a message holds, by its type: the words, the file, and what has no place of its own. A type that nobody has heard of is
// kept whole.

import { z } from 'zod';
import type { Attachment } from '../../../core/records.ts';
import { withFractions } from '../../toolkit/fractions.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText } from '../../toolkit/scalars.ts';
import { loose, object, told } from './scalars.ts';

export interface Content {
  readonly content: string | null;
  readonly attachments: readonly Attachment[];
  /** The message that this one answers or reacts to, when the type itself says so. */
  readonly about?: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

const NOTHING: Content = { content: null, attachments: [], details: {} };

const words = (content: string | null | undefined, details: Json = {}): Content => ({
  ...NOTHING,
  content: content ?? null,
  details,
});

const mediaSchema = z.object({
  id: idText.nullish(),
  mime_type: loose,
  sha256: loose,
  caption: loose,
  filename: loose,
  file_size: count.nullish().catch(null),
  voice: z.boolean().nullish().catch(null),
  animated: z.boolean().nullish().catch(null),
  link: loose,
});

function media(type: string, raw: unknown): Content {
  const file = parseRecord(mediaSchema, raw);
  const attachment: Attachment = {
    id: file.id ?? null,
    type: file.voice === true ? 'voice' : type,
    name: file.filename ?? null,
    ...(file.mime_type ? { mimeType: file.mime_type } : {}),
    ...(file.file_size ? { sizeBytes: file.file_size } : {}),
    ...(file.id ? { reference: file.id } : {}),
    ...(file.sha256 ? { sha256: file.sha256 } : {}),
  };
  return { ...words(file.caption, told({ animated: file.animated })), attachments: [attachment] };
}

const PLACE: ReadonlySet<string> = new Set(['latitude', 'longitude']);
const locationSchema = z.object({ name: loose, address: loose });
const cardsSchema = z.array(z.object({ name: z.object({ formatted_name: loose, first_name: loose }).nullish() }));
const replySchema = z.object({ id: loose, title: loose });
const interactiveSchema = z.object({
  type: loose,
  button_reply: replySchema.nullish(),
  list_reply: replySchema.nullish(),
  nfm_reply: z.object({ body: loose, name: loose }).nullish(),
  body: z.object({ text: loose }).nullish(),
});
const reactionSchema = z.object({ message_id: idText, emoji: z.string().nullish() });
const editSchema = z.object({ original_message_id: idText, message: object });

/** One type's member as content; throws `record.invalid`. */
type Reader = (member: unknown, type: string) => Content;

const mediaReader: Reader = (member, type) => media(type, member);

const READERS: Readonly<Record<string, Reader>> = {
  text: (member) => words(parseRecord(z.object({ body: z.string() }), member).body),
  image: mediaReader,
  audio: mediaReader,
  video: mediaReader,
  document: mediaReader,
  sticker: mediaReader,
  button: (member) => {
    const { text, payload } = parseRecord(z.object({ text: loose, payload: loose }), member);
    return words(text, told({ payload }));
  },
  location: (member) => {
    const { name, address } = parseRecord(locationSchema, member);
    return words([name, address].filter((part) => part).join(', ') || null, { location: withFractions(member, PLACE) });
  },
  contacts: (member) => {
    const names = parseRecord(cardsSchema, member).map(({ name }) => name?.formatted_name ?? name?.first_name);
    return words(names.filter((name) => name).join(', ') || null, { contacts: member });
  },
  interactive: (member) => {
    const read = parseRecord(interactiveSchema, member);
    const reply = read.button_reply ?? read.list_reply;
    return words(reply?.title ?? read.nfm_reply?.body ?? read.body?.text, {
      interactive: member,
      ...told({ payload: reply?.id }),
    });
  },
  order: (member) => words(parseRecord(z.object({ text: loose }), member).text, { order: member }),
  reaction: (member) => {
    const { message_id: about, emoji } = parseRecord(reactionSchema, member);
    // Without an emoji the person took his reaction back.
    return { ...words(emoji || null, { isRemoved: !emoji }), about };
  },
  system: (member) => words(parseRecord(z.object({ body: loose }), member).body, { system: member }),
  edit: (member) => {
    const { original_message_id: about, message } = parseRecord(editSchema, member);
    return { ...contentOf(message), about };
  },
  media_placeholder: () => words(null, { isPlaceholder: true }),
};

/** What the message `raw` holds. Throws `record.invalid` with the path inside it. */
export function contentOf(raw: Json): Content {
  const type = typeof raw['type'] === 'string' ? raw['type'] : 'unknown';
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  const member = raw[type];
  if (reader !== undefined && (member !== undefined || type === 'media_placeholder')) return reader(member, type);
  return words(null, told({ [type]: member }));
}
