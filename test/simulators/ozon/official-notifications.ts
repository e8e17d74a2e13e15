// The notifications that Ozon's own document shows, where it lies beside the project.

import { readFileSync } from 'node:fs';
import { sharedFile } from '../shared-folder.ts';

export type OfficialNotification = Readonly<Record<string, unknown>>;

interface Document {
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
}

const EXAMPLE = /```(?:json5?)?\n([^`]*)```/g;

/** Undefined: the document is not there. */
export function officialNotifications(): readonly OfficialNotification[] | undefined {
  const file = sharedFile('specs/ozon/seller-swagger-2026-05.json');
  if (file === undefined) return undefined;
  const { tags } = JSON.parse(readFileSync(file, 'utf8')) as Document;
  const text = tags.find(({ name }) => name === 'push_types')?.description ?? '';
  return [...text.matchAll(EXAMPLE)].map(([, example]) => JSON.parse(example!) as OfficialNotification);
}
