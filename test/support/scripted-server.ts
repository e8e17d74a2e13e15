// An HTTP server that answers what a test tells it, one answer after the other, and remembers what it was asked.

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Resolves when the connection of this answer is over. */
  readonly gone: Promise<void>;
}

export type Reply = (response: ServerResponse) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** A document with a status. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Server-sent events in these pieces; `then` says what becomes of the connection. */
export function events(pieces: readonly string[], then: 'end' | 'stay' | 'break'): Reply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of pieces) response.write(piece);
    if (then === 'end') response.end();
    if (then === 'break') response.write('', () => response.destroy());
  };
}

/** The last answer is given again and again. */
export async function scriptedServer(...replies: readonly Reply[]): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const gone = new Promise<void>((resolve) => void response.on('close', resolve));
      const body = await text(request);
      asked.push({ method: request.method!, url: request.url!, headers: request.headers, body, gone });
      replies[Math.min(asked.length, replies.length) - 1]!(response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
