// Plain COPY from memory, the fastest way into a table that Postgres has: the reference of the commit path.

import type { Client, Connection, Submittable } from 'pg';

interface CopyConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

class CopyIn implements Submittable {
  readonly done: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  readonly #text: string;
  readonly #rows: Buffer;

  constructor(text: string, rows: Buffer) {
    ({ promise: this.done, resolve: this.#resolve, reject: this.#reject } = Promise.withResolvers<void>());
    this.#text = text;
    this.#rows = rows;
  }

  submit(connection: Connection): void {
    connection.query(this.#text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#rows);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleError(error: Error): void {
    this.#reject(error);
  }
}

/** `text` is `copy … from stdin`, `rows` its whole input. */
export async function copyIn(client: Client, text: string, rows: Buffer): Promise<void> {
  const copy = new CopyIn(text, rows);
  client.query(copy);
  await copy.done;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Rows in COPY's text format. */
export function copyText(rows: readonly (readonly (string | null)[])[]): Buffer {
  const lines = rows.map((row) =>
    row.map((value) => (value === null ? '\\N' : value.replace(/[\\\n\r\t]/g, (found) => ESCAPES[found]!))).join('\t'),
  );
  return Buffer.from(`${lines.join('\n')}\n`);
}
