// Files of a message as attachments: `file_unique_id` is one file's id for every bot and for ever, `file_id` is what this bot shows
// to get it.

import { z } from 'zod';
import type { Attachment } from '../../../core/records.ts';
import { count } from '../../toolkit/scalars.ts';

const fileSchema = z.object({
  file_id: z.string(),
  file_unique_id: z.string(),
  file_size: count.optional(),
  file_name: z.string().optional(),
  mime_type: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
});

type File = z.output<typeof fileSchema>;

/** Members of a message that are one file. An animation comes with a `document` that is the same file, so it is first. */
const FILE_KINDS = ['animation', 'audio', 'document', 'sticker', 'video', 'video_note', 'voice'] as const;

/** What a message may have of files; absent: none of the kind. */
export const filesShape = {
  ...Object.fromEntries(FILE_KINDS.map((kind) => [kind, fileSchema.optional()])),
  photo: z.array(fileSchema).optional(),
} as { readonly [K in (typeof FILE_KINDS)[number]]: z.ZodOptional<typeof fileSchema> } & {
  readonly photo: z.ZodOptional<z.ZodArray<typeof fileSchema>>;
};

type Files = { readonly [K in (typeof FILE_KINDS)[number]]?: File | undefined } & {
  readonly photo?: readonly File[] | undefined;
};

function attachment(type: string, file: File): Attachment {
  return {
    id: file.file_unique_id,
    type,
    name: file.file_name ?? null,
    reference: file.file_id,
    ...(file.mime_type === undefined ? {} : { mimeType: file.mime_type }),
    ...(file.file_size === undefined ? {} : { sizeBytes: file.file_size }),
  };
}

const areaOf = ({ width = 0, height = 0 }: File): number => width * height;

/** The members of `photo` are sizes of one photo: only the largest is told. */
export function attachmentsOf(message: Files): readonly Attachment[] {
  const kind = FILE_KINDS.find((name) => message[name] !== undefined);
  if (kind !== undefined) return [attachment(kind, message[kind]!)];
  const largest = message.photo?.toSorted((a, b) => areaOf(b) - areaOf(a))[0];
  return largest === undefined ? [] : [attachment('photo', largest)];
}
