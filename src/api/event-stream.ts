// Server-sent events: what a handler yields goes to the client as it comes, with a comment now and then so that nobody in
// between gives the connection up. The handler's signal fires when the client leaves or the server stops.

import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { deferred, type Deferred } from '../core/async.ts';
import { AppError } from '../core/errors.ts';
import type { StreamEvent } from './call.ts';

const HEARTBEAT_MS = 15_000;
/** Each of them is a connection that lives for minutes. */
const MAX_OPEN = 500;

function frame({ id, event, data }: StreamEvent<unknown>): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}

export interface EventStreams {
  /** Answers with the events until they end. Throws `queue.overloaded` when too many streams are open. */
  send(reply: FastifyReply, events: AsyncIterable<StreamEvent<unknown>>, gone: AbortController): Promise<FastifyReply>;
  /** Ends every open stream. */
  close(): void;
}

export function createEventStreams(): EventStreams {
  const open = new Set<AbortController>();
  return {
    async send(reply, events, gone) {
      if (open.size >= MAX_OPEN)
        throw new AppError('api.overloaded', `expected at most ${MAX_OPEN} open event streams: try again later`);
      open.add(gone);
      const stream = createOutflow();
      const heartbeat = setInterval(() => stream.push(': still here\n\n'), HEARTBEAT_MS);
      const end = (): void => {
        clearInterval(heartbeat);
        open.delete(gone);
        if (!stream.destroyed) stream.push(null);
        stream.wanted.resolve();
      };
      gone.signal.addEventListener('abort', end, { once: true });
      stream.push(': events follow\n\n');
      void pump(events, stream, gone.signal).finally(() => gone.abort());
      return await reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('x-accel-buffering', 'no')
        .send(stream);
    },
    close() {
      for (const gone of open) gone.abort();
    },
  };
}

/** A stream that says when more of it is wanted: a client that does not read is not written to without end. */
interface Outflow extends Readable {
  wanted: Deferred<void>;
}

function createOutflow(): Outflow {
  const wanted = deferred();
  const stream: Outflow = Object.assign(new Readable({ read: () => stream.wanted.resolve() }), { wanted });
  return stream;
}

/** Resolves once the client has taken enough, or has left. */
async function push(stream: Outflow, text: string): Promise<void> {
  stream.wanted = deferred();
  if (!stream.push(text)) await stream.wanted.promise;
}

/** A failure in the middle is told as an event: the status line is long gone. */
async function pump(events: AsyncIterable<StreamEvent<unknown>>, stream: Outflow, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of events) {
      if (signal.aborted) return;
      await push(stream, frame(event));
    }
  } catch (error) {
    if (signal.aborted) return;
    const code = error instanceof AppError ? error.code : 'internal';
    await push(stream, frame({ event: 'error', data: { code } }));
  }
}
