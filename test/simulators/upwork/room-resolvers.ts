// GraphQL roots of messages: rooms, of which a list without filter shows only a part, and their stories, newest first.
// A story of the system has no user although the schema promises one, and its node becomes null when it is asked for.

import { genericOrganization } from './account-resolvers.ts';
import { optionalTime, ownedBy } from './contract-resolvers.ts';
import { badParameter, pageOf } from './paging.ts';
import type { Pagination } from './paging.ts';
import type { Scope } from './scope.ts';
import { platformTime } from './scope.ts';
import type { Party, Room, Story } from './work-model.ts';

interface RoomListArguments {
  readonly filter?: {
    readonly roomType_eq?: 'ALL' | Room['type'] | null;
    readonly activeSince_eq?: string | null;
    readonly includeFavorites_eq?: boolean | null;
    readonly includeHidden_eq?: boolean | null;
  } | null;
  readonly pagination?: Pagination | null;
}

interface RoomStoriesArguments {
  readonly filter?: {
    readonly roomId_eq: string;
    readonly storyFilter?: {
      readonly storyCreatedDateTime_bt?: Range | null;
      readonly pagination?: Pagination | null;
    } | null;
  } | null;
}

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;
/** What a list says that it holds when it lies. */
const FALSE_TOTAL = 3;

/** `roomList`, newest activity first; hidden, favoured and typed rooms each need their own pass. */
export function roomList({ filter, pagination }: RoomListArguments, scope: Scope): object {
  const isListed = ({ listing, type }: Room): boolean => {
    if (filter?.roomType_eq && filter.roomType_eq !== 'ALL') return listing !== 'hidden' && type === filter.roomType_eq;
    if (listing === 'hidden') return filter?.includeHidden_eq === true;
    if (listing === 'favorite') return filter?.includeFavorites_eq === true;
    return listing === 'default';
  };
  const since = filter?.activeSince_eq ? instantOf(filter.activeSince_eq) : null;
  const active = activityIn(scope);
  const found = ownedBy(scope.state.work.rooms.all, scope)
    .filter(isListed)
    // "Include all favorite rooms, regardless of when the last activity took place" (official schema).
    .filter((room) => since === null || active(room) >= since || room.listing === 'favorite')
    .sort((a, b) => active(b) - active(a) || (a.id < b.id ? -1 : 1));
  return pageOf(found, pagination ?? { first: DEFAULT_PAGE }, {
    name: 'rooms',
    max: MAX_PAGE,
    node: (room) => roomNode(room, scope),
  });
}

/** `roomStories`: null for a room that is not the account's. */
export function roomStories({ filter }: RoomStoriesArguments, scope: Scope): object | null {
  const room = ownedBy(scope.state.work.rooms.all, scope).find(({ id }) => id === filter?.roomId_eq);
  if (room === undefined) return null;
  const { storyCreatedDateTime_bt: range, pagination } = filter?.storyFilter ?? {};
  // "The pagination.after takes precedence and the older than value is ignored" (official schema).
  const isAsked = inRange(pagination?.after ? null : range, scope);
  const found = storiesOf(room, scope).filter(isAsked);
  const page = pageOf(found, pagination ?? { first: DEFAULT_PAGE }, {
    name: 'stories',
    max: MAX_PAGE,
    node: (story) => storyNode(story, room, scope),
    ...(scope.traps.storyTotalLies ? { totalCount: FALSE_TOTAL } : {}),
  });
  if (!scope.traps.storyCursorStuck || page.edges.length === 0) return page;
  return { ...page, pageInfo: { endCursor: Buffer.from('stories:0').toString('base64'), hasNextPage: true } };
}

interface Range {
  readonly rangeStart?: string | null;
  readonly rangeEnd?: string | null;
}

function inRange(range: Range | null | undefined, { traps }: Scope): (story: Story) => boolean {
  if (!range) return () => true;
  if (traps.storyRange === 'empty') return () => false;
  const from = range.rangeStart ? instantOf(range.rangeStart) : -Infinity;
  const to = range.rangeEnd ? instantOf(range.rangeEnd) : Infinity;
  return ({ createdAt }) => createdAt.getTime() >= from && createdAt.getTime() <= to;
}

function storiesOf({ id }: Room, { state }: Scope): Story[] {
  return [...state.work.stories.all.values()]
    .filter(({ roomId }) => roomId === id)
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1));
}

/** When each room last changed: its newest story, or its beginning. */
function activityIn({ state }: Scope): (room: Room) => number {
  const newest = new Map<string, number>();
  for (const { roomId, createdAt } of state.work.stories.all.values())
    newest.set(roomId, Math.max(newest.get(roomId) ?? 0, createdAt.getTime()));
  return ({ id, createdAt }) => Math.max(createdAt.getTime(), newest.get(id) ?? 0);
}

/** Reads ISO 8601 with or without a colon in the offset, and epoch milliseconds. */
function instantOf(text: string): number {
  const instant = /^\d+$/.test(text) ? Number(text) : Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  if (Number.isNaN(instant)) throw badParameter(`date ${JSON.stringify(text)}`);
  return instant;
}

function partyUser({ id, name }: Party): object {
  return { id, nid: `user${id}`, rid: id, name, photoUrl: null, publicUrl: null, ciphertext: `~01${id}` };
}

function roomNode(room: Room, scope: Scope): object {
  const { account, organization } = scope;
  const me: Party = { id: account.id, name: `${account.profile.firstName} ${account.profile.lastName}` };
  return {
    id: room.id,
    roomName: room.name,
    topic: room.topic,
    roomType: room.type,
    createdAtDateTime: platformTime(room.createdAt),
    numUnread: room.unread,
    numUsers: room.members.length + 1,
    favorite: room.listing === 'favorite',
    hidden: room.listing === 'hidden',
    readOnly: false,
    lastReadDateTime: optionalTime(room.lastReadAt),
    lastVisitedDateTime: platformTime(new Date(activityIn(scope)(room))),
    contractId: room.contractId,
    vendorProposal: null,
    offerIds: [],
    organization: genericOrganization(organization),
    creator: { user: partyUser(me), organization: null, role: null },
    roomUsers: [me, ...room.members].map((party) => ({ user: partyUser(party), organization: null, role: null })),
    latestStory: () => {
      const [newest] = storiesOf(room, scope);
      return newest === undefined ? null : storyNode(newest, room, scope);
    },
  };
}

function storyNode(story: Story, room: Room, scope: Scope): object {
  const { id, authorId, message, createdAt, updatedAt, attachments } = story;
  const { account } = scope;
  const author = [{ id: account.id, name: account.profile.firstName }, ...room.members].find(
    (member) => member.id === authorId,
  );
  return {
    id,
    room: () => roomNode(room, scope),
    message,
    createdDateTime: platformTime(createdAt),
    updatedDateTime: platformTime(updatedAt),
    user: author === undefined ? null : partyUser(author),
    organization: null,
    attachments: attachments.map((attachment) => ({
      objectReferenceId: attachment.id,
      objectType: attachment.type,
      metadata: [{ key: 'fileName', value: attachment.name }],
      createdDateTime: platformTime(createdAt),
      author: null,
    })),
  };
}
