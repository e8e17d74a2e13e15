// A body without tokens, while it comes: a token may stand across two chunks, so as much as the longest of them is held back.

import type { KnownSecrets } from './known-secrets.ts';

/** UTF-8 in, UTF-8 out. */
export async function* maskedChunks(
  chunks: AsyncIterable<Uint8Array>,
  secrets: Pick<KnownSecrets, 'maskAnswer' | 'longestToken'>,
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let held = '';
  for await (const chunk of chunks) {
    // Whole tokens are gone after this; the beginning of one can only be at the end.
    const text = secrets.maskAnswer(held + decoder.decode(chunk, { stream: true }));
    const safe = Math.max(0, text.length - Math.max(0, secrets.longestToken() - 1));
    held = text.slice(safe);
    if (safe > 0) yield encoder.encode(text.slice(0, safe));
  }
  const rest = secrets.maskAnswer(held + decoder.decode());
  if (rest !== '') yield encoder.encode(rest);
}
