// The GraphQL operations about talks: rooms and their stories. Rules as in `queries.ts`.

import { z } from 'zod';
import type { Operation } from './api.ts';
import { atOnce, listSchema, type Connection } from './queries.ts';
import { PARTY } from './work-queries.ts';

const ROOMS = `{
    pageInfo { endCursor hasNextPage }
    edges { node {
      id roomName topic roomType numUnread hidden contractId createdAtDateTime lastReadDateTime
      roomUsers { user ${PARTY} }
      latestStory { createdDateTime }
    } }
  }`;

export const listRooms: Operation<Connection> = {
  name: 'ListRooms',
  document: () => `
query ListRooms($filter: RoomFilter!, $pagination: Pagination!) {
  rooms: roomList(filter: $filter, pagination: $pagination) ${ROOMS}
}`,
  data: z.object({ rooms: listSchema }).transform(({ rooms }) => rooms),
};

/** The first page of `count` lists; variables `filter0` and so on. */
export function listRoomsAtOnce(count: number): Operation<readonly (Connection | null)[]> {
  const { variables, aliases, data } = atOnce(count, 'RoomFilter!');
  return {
    name: 'ListRoomsAtOnce',
    document: () => `
query ListRoomsAtOnce(${variables}, $pagination: Pagination!) {${aliases(
      (filter) => `roomList(filter: ${filter}, pagination: $pagination) ${ROOMS}`,
    )}
}`,
    data,
  };
}

export interface Stories {
  readonly stories: Connection;
  /** The same page, of each story only who wrote it. */
  readonly authors: Connection;
}

/** Name of the field whose errors are expected. */
export const AUTHORS = 'authors';

/**
 * A page of stories and, beside it, their authors: the schema promises one for each, the system's stories have none, and
 * such a null takes the whole story away that it is asked of.
 */
export const listStories: Operation<Stories> = {
  name: 'ListStories',
  document: () => `
query ListStories($filter: RoomStoryFilter!) {
  stories: roomStories(filter: $filter) {
    pageInfo { endCursor hasNextPage }
    edges { node {
      id message createdDateTime updatedDateTime
      organization { id }
      attachments { objectReferenceId objectType metadata { key value } }
    } }
  }
  ${AUTHORS}: roomStories(filter: $filter) { edges { node { id user ${PARTY} } } }
}`,
  data: z.object({ stories: listSchema, [AUTHORS]: listSchema }),
};
