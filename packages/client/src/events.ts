// Server-sent events as an async iterator that survives lost connections: it takes up where it was, until the end.

import { TidemarkError } from './errors.ts';
import type { CallOptions, Sent, Transport } from './http.ts';

interface Frame {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

const LONGEST_FRAME = 1024 * 1024;

function frameOf(text: string): Frame | null {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1).replace(/^ /, ''));
  }
  const data = fields.get('data');
  return data === undefined ? null : { id: fields.get('id'), event: fields.get('event'), data };
}

async function* framesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Frame> {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    if (text.length > LONGEST_FRAME) throw new TidemarkError(0, 'no_answer', 'an event without an end');
    for (const part of parts) {
      const frame = frameOf(part);
      if (frame !== null) yield frame;
    }
  }
}

/** Frames of one connection. One that breaks ends them without a word; the caller takes it up again. */
async function* untilBroken(body: ReadableStream<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Frame> {
  try {
    yield* framesOf(body);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TidemarkError) throw error;
  }
}

/** The data of each event, until the event `end`; a connection that is lost before is taken up again. */
export async function* readEvents<Data>(
  transport: Transport,
  sent: Sent,
  options: CallOptions,
): AsyncGenerator<Data, void, undefined> {
  let lastId: string | undefined;
  for (;;) {
    const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
    const response = await transport.send({ ...sent, headers }, options);
    for await (const { id, event, data } of untilBroken(response.body!, options.signal)) {
      lastId = id ?? lastId;
      if (event === 'error') throw new TidemarkError(500, 'internal', data);
      yield JSON.parse(data) as Data;
      if (event === 'end') return;
    }
  }
}
