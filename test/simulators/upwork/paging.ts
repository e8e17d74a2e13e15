// Connections with opaque cursors, as the work's lists have them.

import { GraphQLError } from 'graphql';

export interface Pagination {
  readonly first: number;
  readonly after?: string | null;
}

interface PageOptions<R> {
  /** Goes into the cursors, so that one of another list is refused. */
  readonly name: string;
  /** `first` above this is VJCA-6. */
  readonly max: number;
  readonly node: (record: R) => object;
  /** What the list says that it holds, true or not. */
  readonly totalCount?: number;
}

/** One page; throws VJCA-6 for a cursor that is not ours and for the empty one. */
export function pageOf<R>(found: readonly R[], pagination: Pagination, options: PageOptions<R>): ConnectionPage {
  const { first, after } = pagination;
  const { name, max, node, totalCount = found.length } = options;
  if (first < 1 || first > max) throw badParameter(`pagination.first ${first}`);
  const offset = after === null || after === undefined ? 0 : decode(name, after);
  const rows = found.slice(offset, offset + first);
  const next = offset + rows.length;
  return {
    totalCount,
    edges: rows.map((record, index) => ({ cursor: encode(name, offset + index + 1), node: node(record) })),
    pageInfo: { endCursor: rows.length === 0 ? null : encode(name, next), hasNextPage: next < found.length },
  };
}

export interface ConnectionPage {
  readonly totalCount: number;
  readonly edges: readonly { readonly cursor: string; readonly node: object }[];
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
}

function encode(name: string, offset: number): string {
  return Buffer.from(`${name}:${offset}`).toString('base64');
}

function decode(name: string, cursor: string): number {
  const [found, offset] = Buffer.from(cursor, 'base64').toString('latin1').split(':');
  if (found !== name || !/^\d+$/.test(offset ?? '')) throw badParameter(`pagination.after ${JSON.stringify(cursor)}`);
  return Number(offset);
}

export function badParameter(what: string): GraphQLError {
  return new GraphQLError(`VJCA-6: Invalid parameter value: ${what}`, {
    extensions: { code: 'VJCA-6', classification: 'DataFetchingException' },
  });
}
