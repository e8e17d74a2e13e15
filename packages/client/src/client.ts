// The client: a method for each operation, pages as one list, events as an iterator.

import { readEvents } from './events.ts';
import { createTransport, type CallOptions, type ClientOptions } from './http.ts';
import { OPERATIONS, type Answers, type Methods, type PagedOperation, type Requests } from './operations.ts';

type Item<Name extends PagedOperation> = Answers[Name]['items'][number];

export interface Client extends Methods {
  /** Every item of a list, page after page. */
  pages<Name extends PagedOperation>(
    name: Name,
    request?: Omit<Requests[Name], 'cursor'>,
    options?: CallOptions,
  ): AsyncGenerator<Item<Name>, void, undefined>;
}

interface Page {
  readonly items: readonly unknown[];
  readonly nextCursor: string | null;
}

type Method = (request?: object, options?: CallOptions) => unknown;

/** Nothing is connected before the first call. Throws a TypeError for an address that is none. */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport(options);
  const methods: Record<string, Method> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    methods[name] = (request = {}, call = {}) => {
      const sent = { operation, request: request as Readonly<Record<string, unknown>> };
      if (operation.form === 'events') return readEvents(transport, sent, call);
      return transport.send(sent, call).then((response) => (response.status === 204 ? undefined : response.json()));
    };
  }
  async function* pages(name: PagedOperation, request: object = {}, call: CallOptions = {}): AsyncGenerator<unknown> {
    let cursor: string | null | undefined;
    do {
      const page = (await methods[name]!({ ...request, ...(cursor === undefined ? {} : { cursor }) }, call)) as Page;
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }
  return Object.assign(methods, { pages }) as unknown as Client;
}
