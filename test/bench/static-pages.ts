// Pages of postings as JSON text, made from one template: only the ids differ, so that serving a page costs next to
// nothing and every record is still of its own.

import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { postingId, rawPostings } from './postings.ts';

export const PAGE_ROWS = 500;

export interface PageTemplate {
  /** The JSON text of page `n`, a list of `PAGE_ROWS` postings. */
  page(n: number): string;
}

const MARK = '#';

export function pagesOf(): PageTemplate {
  const marked = rawPostings(0, PAGE_ROWS).map((posting) => ({ ...posting, id: `${MARK}id${MARK}` }));
  const parts = JSON.stringify(marked).split(`${MARK}id${MARK}`);
  return {
    page: (n) =>
      parts.map((part, index) => (index === PAGE_ROWS ? part : part + postingId(n * PAGE_ROWS + index))).join(''),
  };
}

export interface PageServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Serves `…/pages/<n>`. */
export async function servePages(): Promise<PageServer> {
  const template = pagesOf();
  const server = createServer((request, response) => {
    const n = Number(request.url?.split('/').at(-1));
    response.setHeader('content-type', 'application/json');
    response.end(template.page(n));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
