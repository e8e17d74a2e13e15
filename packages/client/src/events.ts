// Server-sent events as an async iterator that survives lost connections: it takes up where it was, until the end.
//
//   open (Last-Event-ID) → frames → event `end`: done
//     ↑                       └──→ broken, silent or ended early → wait ──┐
//     └────────────────────────────────────────────────────────────────────┘  `retries` times in a row for nothing: throw

import { TidemarkError } from './errors.ts';
import { framesOf, type Frame } from './event-frames.ts';
import type { CallOptions, OpenAnswer, Sent, Transport } from './http.ts';
import { backoffMs, wait } from './waiting.ts';

/** The server says every 15 seconds that it is still there. */
const SILENCE_MS = 45_000;
/** A connection that held for so long was not for nothing, whatever it brought. */
const HELD_MS = 10_000;

/** Frames of one connection. One that breaks or falls silent ends them; the caller takes it up again. */
async function* untilBroken({ body, deadline }: OpenAnswer, signal: AbortSignal | undefined): AsyncGenerator<Frame> {
  const alive = (): void => deadline.extend(SILENCE_MS);
  alive();
  try {
    yield* framesOf(body, alive);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TidemarkError) throw error;
  } finally {
    deadline.close();
  }
}

function dataOf({ event, data }: Frame): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    throw new TidemarkError(200, 'answer_invalid', 'expected an event of JSON');
  }
  if (event !== 'error') return parsed;
  const { code = 'internal' } = parsed as { readonly code?: string };
  throw new TidemarkError(500, code, 'the server gave the events up; its log says why');
}

/** The data of each event, until the event `end`; a connection that is lost before is taken up again. */
export async function* readEvents<Data>(
  transport: Transport,
  sent: Sent,
  options: CallOptions,
): AsyncGenerator<Data, void, undefined> {
  let lastId: string | undefined;
  let forNothing = 0;
  for (;;) {
    const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
    const answer = await transport.open({ ...sent, headers }, options);
    const openedAt = performance.now();
    let brought = false;
    for await (const frame of untilBroken(answer, options.signal)) {
      brought = true;
      lastId = frame.id ?? lastId;
      yield dataOf(frame) as Data;
      if (frame.event === 'end') return;
    }
    forNothing = brought || performance.now() - openedAt > HELD_MS ? 0 : forNothing + 1;
    if (forNothing > transport.retries)
      throw new TidemarkError(0, 'no_answer', `the events ended early, ${forNothing} times in a row`);
    await wait(backoffMs(forNothing), options.signal);
  }
}
