// Server-sent events out of bytes, as the HTML standard describes them (section 9.2.6), for what Tidemark sends.

import { TidemarkError } from './errors.ts';

export interface Frame {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

const LONGEST_FRAME = 4 * 1024 * 1024;

/** Null for a comment, which only says that the server lives. */
export function frameOf(text: string): Frame | null {
  const data: string[] = [];
  let id: string | undefined;
  let event: string | undefined;
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    const [name, value] = at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')];
    if (name === 'data') data.push(value);
    else if (name === 'id') id = value;
    else if (name === 'event') event = value;
  }
  return data.length === 0 ? null : { id, event, data: data.join('\n') };
}

/** Every frame as it comes whole. Throws `TidemarkError` for one that does not end; `alive` is called at every sign of life. */
export async function* framesOf(body: ReadableStream<Uint8Array>, alive: () => void): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    alive();
    // A carriage return at the end of a chunk waits for its line feed with the rest.
    text = (text + decoder.decode(chunk, { stream: true })).replaceAll('\r\n', '\n');
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    if (text.length > LONGEST_FRAME)
      throw new TidemarkError(200, 'answer_invalid', `expected events of at most ${LONGEST_FRAME} characters`);
    for (const part of parts) {
      const frame = frameOf(part);
      if (frame !== null) yield frame;
    }
  }
}
