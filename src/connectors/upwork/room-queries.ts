// The GraphQL operations about talks: rooms and their stories. Rules as in `queries.ts`.

import { z } from 'zod';
import type { Operation } from './api.ts';
import { connectionSchema, EMPTY, type Connection } from './queries.ts';
import { PARTY } from './work-queries.ts';

const ROOMS = `{
    pageInfo { endCursor hasNextPage }
    edges { node {
      id roomName topic roomType numUnread hidden contractId createdAtDateTime lastReadDateTime
      roomUsers { user ${PARTY} }
      latestStory { createdDateTime }
    } }
  }`;

const roomsSchema = connectionSchema.nullish().transform((rooms) => rooms ?? EMPTY);

export const listRooms: Operation<Connection> = {
  name: 'ListRooms',
  document: () => `
query ListRooms($filter: RoomFilter!, $pagination: Pagination!) {
  rooms: roomList(filter: $filter, pagination: $pagination) ${ROOMS}
}`,
  data: z.object({ rooms: roomsSchema }).transform(({ rooms }) => rooms),
};

/**
 * The first page of `count` lists in one request; variables `filter0` and so on. Several aliases count as one request, and
 * batches of ten were found safe.
 */
export function listRoomsAtOnce(count: number): Operation<readonly Connection[]> {
  const numbers = Array.from({ length: count }, (_, index) => index);
  const variables = numbers.map((index) => `$filter${index}: RoomFilter!`).join(', ');
  const lists = numbers.map(
    (index) => `
  list${index}: roomList(filter: $filter${index}, pagination: $pagination) ${ROOMS}`,
  );
  return {
    name: 'ListRoomsAtOnce',
    document: () => `
query ListRoomsAtOnce(${variables}, $pagination: Pagination!) {${lists.join('')}
}`,
    data: z
      .record(z.string(), roomsSchema)
      .transform((found) => numbers.map((index) => found[`list${index}`] ?? EMPTY)),
  };
}

const storiesOf = (user: string): string => `
  stories: roomStories(filter: $filter) {
    pageInfo { endCursor hasNextPage }
    edges { node {
      id message createdDateTime updatedDateTime ${user}
      organization { id }
      attachments { objectReferenceId objectType metadata { key value } }
    } }
  }`;

const storiesSchema = z.object({ stories: connectionSchema.nullish() }).transform(({ stories }) => stories ?? EMPTY);

export const listStories: Operation<Connection> = {
  name: 'ListStories',
  document: () => `
query ListStories($filter: RoomStoryFilter!) {${storiesOf(`user ${PARTY}`)}
}`,
  data: storiesSchema,
};

/** The same without authors: a story of the system has none, and asking for it takes the whole story away. */
export const listBareStories: Operation<Connection> = {
  name: 'ListBareStories',
  document: () => `
query ListBareStories($filter: RoomStoryFilter!) {${storiesOf('')}
}`,
  data: storiesSchema,
};
