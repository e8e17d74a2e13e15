// What a connector works with, made so that a credential does not come back by it: answers arrive without the tokens that
// were sent, and what the connector logs is masked like an error.

import type { HttpClient, HttpResponse } from '../http/http-client.ts';
import type { EventFields, EventLog } from '../telemetry/event-log.ts';
import { sanitize } from '../telemetry/sanitize.ts';
import type { KnownSecrets } from './known-secrets.ts';
import { maskedChunks } from './masked-chunks.ts';

/** Not for token requests, whose answers bring the tokens. */
export function quietHttp(http: HttpClient, secrets: KnownSecrets): HttpClient {
  const quiet = (headers: HttpResponse['headers']): HttpResponse['headers'] =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, secrets.maskAnswer(value)]));
  return {
    async request(request, signal) {
      const { status, headers, text } = await http.request(request, signal);
      return { status, headers: quiet(headers), text: secrets.maskAnswer(text) };
    },
    async stream(request, signal) {
      const { status, headers, chunks } = await http.stream(request, signal);
      return { status, headers: quiet(headers), chunks: maskedChunks(chunks, secrets) };
    },
  };
}

export function quietLog(log: EventLog, secrets: KnownSecrets): EventLog {
  const quiet = (fields: EventFields): EventFields => secrets.maskDetails(sanitize(fields, { stacks: 'hidden' }));
  return {
    emit: (event, fields = {}) => log.emit(event, quiet(fields)),
    with: (fields) => quietLog(log.with(quiet(fields)), secrets),
  };
}
