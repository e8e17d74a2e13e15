// The stories of one room, newest first, each with its author where it has one.

import { z } from 'zod';
import { AppError, type ErrorReport } from '../../core/errors.ts';
import type { UpworkApi } from './api.ts';
import { pageOf, pagination, type ListPage } from './pages.ts';
import { recordsOf, type Connection } from './queries.ts';
import { AUTHORS, listStories } from './room-queries.ts';
import { idOf } from '../toolkit/parse-record.ts';
import { writtenAtOf } from './schemas/stories.ts';

const PAGE_SIZE = 100;

export interface StoryPage {
  readonly stories: readonly object[];
  readonly problems: readonly ErrorReport[];
  /** Null: this was the last page. */
  readonly next: string | null;
}

export interface StoryRange {
  readonly roomId: string;
  /** Stories written from here on; null: all. */
  readonly since: Date | null;
  /** Cursor to go on from; null: the newest. */
  readonly after: string | null;
}

/** A whole page and no new way on: more may be there that nobody can reach. */
const STUCK: ErrorReport = {
  code: 'sync.cursor_stuck',
  kind: 'transient',
  message: 'Upwork repeats the cursor of a full page of stories: older ones of this room may be missing',
};

const authoredSchema = z.object({ id: z.string(), user: z.unknown() });

/** Authors by story; one that came as null is a story of the system. */
function authorsOf({ edges }: Connection): ReadonlyMap<string, unknown> {
  return new Map(
    edges.flatMap((node) => {
      const read = authoredSchema.safeParse(node);
      return read.success ? [[read.data.id, read.data.user] as const] : [];
    }),
  );
}

/** Whether an error is about an author who is not there. */
function isAboutAuthors({ details }: ErrorReport): boolean {
  const path = details?.['path'];
  return typeof path === 'string' && path.startsWith(`${AUTHORS}.`);
}

async function fetchPage(api: UpworkApi, filter: Readonly<Record<string, unknown>>): Promise<ListPage> {
  const { data, problems } = await api.query(listStories, { filter });
  const { stories, authors } = data;
  if (authors.edges.length !== stories.edges.length) {
    throw new AppError(
      'platform.unavailable',
      `expected authors of ${stories.edges.length} stories from Upwork, got ${authors.edges.length}`,
    );
  }
  const known = authorsOf(authors);
  const edges = stories.edges.map((node) => {
    if (node === null || typeof node !== 'object') return null;
    return { ...node, user: known.get(idOf(node) ?? '') ?? null };
  });
  return pageOf({ data: { ...stories, edges }, problems: problems.filter((problem) => !isAboutAuthors(problem)) });
}

/** Whether a page of stories reaches back before `since`, newest first: nothing behind it is wanted. */
function isOlder(stories: readonly object[], since: Date | null): boolean {
  if (since === null || stories.length === 0) return false;
  return stories.every((story) => {
    const at = writtenAtOf(story);
    return at !== null && at < since;
  });
}

/**
 * Pages of stories. Totals are not believed, and a cursor that comes again is the end: that is how some lists end. The
 * range is only a help: where a cursor is given Upwork ignores it, and an empty answer to it is asked for without it.
 */
export async function* readStories(api: UpworkApi, { roomId, since, after }: StoryRange): AsyncGenerator<StoryPage> {
  let range = since === null ? {} : { storyCreatedDateTime_bt: { rangeStart: since.toISOString() } };
  const fetch = (cursor: string | null): Promise<ListPage> =>
    fetchPage(api, { roomId_eq: roomId, storyFilter: { ...range, pagination: pagination(PAGE_SIZE, cursor) } });
  const seen = new Set<string>();
  for (let cursor = after; ;) {
    if (cursor !== null) seen.add(cursor);
    let page = await fetch(cursor);
    if (page.data.edges.length === 0 && cursor === null && since !== null) {
      range = {};
      page = await fetch(null);
    }
    const { records, problems: lost } = recordsOf(page.data, 'stories');
    const stories = records as readonly object[];
    const isEnough = page.isLast || isOlder(stories, since);
    const isRepeated = page.next === null || seen.has(page.next);
    const stuck = !isEnough && isRepeated && page.data.edges.length >= PAGE_SIZE ? [STUCK] : [];
    const next = isEnough || isRepeated ? null : page.next;
    yield { stories, problems: [...page.problems, ...lost, ...stuck], next };
    if (next === null) return;
    cursor = next;
  }
}
