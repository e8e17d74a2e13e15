// Postings of the user's saved searches. The search has no date filter and pages by offset: newest first, read until a
// page ends before the search's own high-water mark minus the lookback. A mark moves only when its search was
// read to that point, because a newest-first pass that breaks off has a hole behind it.

import { z } from 'zod';
import { HOUR_MS } from '../../../core/duration.ts';
import { AppError, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi, type Answer, type UpworkApi } from '../api.ts';
import { recordsOf, searchPostings, type Connection } from '../queries.ts';
import { parsePosting, recencyOf } from '../schemas/postings.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import type { SavedSearch, UpworkSettings } from '../settings.ts';
import { keeps } from '../window.ts';

const PAGE_SIZE = 50;
const LOOKBACK_MS = HOUR_MS;
/** For one search and pass; what slips through a busier search comes with the daily full pass. */
const MAX_REREADS = 10;

const cursorSchema = z.strictObject({
  /** High-water mark of each saved search by name: everything that appeared before it is stored. */
  searches: z.record(z.string(), z.iso.datetime()),
  /** Where a pass that broke off goes on: the search in hand, its next offset, and the newest instant it has seen. */
  pass: z
    .strictObject({
      search: z.string(),
      offset: z.int().nonnegative(),
      newest: z.iso.datetime().nullable(),
      done: z.array(z.string()),
    })
    .nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

function filterOf(search: SavedSearch): Record<string, unknown> {
  return {
    ...(search.query === undefined ? {} : { searchExpression_eq: search.query }),
    ...(search.category_ids === undefined ? {} : { categoryIds_any: search.category_ids }),
    ...(search.subcategory_ids === undefined ? {} : { subcategoryIds_any: search.subcategory_ids }),
    ...(search.skill_ids === undefined ? {} : { ontologySkillIds_all: search.skill_ids }),
    ...(search.job_type === undefined ? {} : { jobType_eq: search.job_type.toUpperCase() }),
    ...(search.experience_level === undefined
      ? {}
      : {
          experienceLevel_eq:
            search.experience_level === 'entry' ? 'ENTRY_LEVEL' : search.experience_level.toUpperCase(),
        }),
    ...(search.verified_payment_only === undefined ? {} : { verifiedPaymentOnly_eq: search.verified_payment_only }),
  };
}

interface FetchedPage extends Answer<Connection> {
  /** False: what came is only the head of the search, and nothing follows. */
  readonly paged: boolean;
}

async function fetchPage(api: UpworkApi, search: SavedSearch, offset: number): Promise<FetchedPage> {
  const filter = filterOf(search);
  try {
    const pagination = { first: PAGE_SIZE, after: String(offset) };
    return { ...(await api.query(searchPostings, { filter: { ...filter, pagination_eq: pagination } })), paged: true };
  } catch (error) {
    // Some API keys get HTTP 500 "Exception occurred" for any paging: the first few rows are then all there is. From here
    // that looks like an outage that has just passed, so the search's mark stays and the next pass asks for pages again.
    if (!(error instanceof AppError && error.code === 'platform.unavailable' && offset === 0)) throw error;
    const { data, problems } = await api.query(searchPostings, { filter });
    const note: ErrorReport = {
      code: 'platform.request_invalid',
      kind: 'fatal',
      message: `Upwork refuses paging for this API key: search "${search.name}" holds its newest ${data.edges.length} postings only`,
    };
    return { data, problems: [...problems, note], paged: false };
  }
}

function newestOf(instants: readonly (Date | null)[], before: Date | null): Date | null {
  return instants.reduce((newest, at) => (at !== null && (newest === null || at > newest) ? at : newest), before);
}

interface SearchPass {
  readonly search: SavedSearch;
  readonly since: Date | null;
  readonly offset: number;
  readonly newest: Date | null;
}

interface SearchPage {
  readonly connection: Connection;
  readonly problems: readonly ErrorReport[];
  readonly nextOffset: number;
  readonly newest: Date | null;
  readonly last: boolean;
  /** The search was read as far back as it had to be: its mark may move. */
  readonly complete: boolean;
}

/**
 * Pages overlap by one record. Offsets move while we read: a posting that closes pulls the others up, and one of them
 * would fall between two pages. When the overlap is not where it should be, one page further up is read again.
 */
async function* readSearch(api: UpworkApi, pass: SearchPass): AsyncGenerator<SearchPage> {
  let { offset, newest } = pass;
  let overlap: string | null = null;
  let rereads = 0;
  for (let last = false; !last;) {
    const from: number = overlap === null ? offset : offset - 1;
    const { data, problems, paged }: FetchedPage = await fetchPage(api, pass.search, from);
    const found: number = overlap === null ? -1 : data.edges.findIndex((edge) => idOf(edge) === overlap);
    if (overlap !== null && found === -1 && rereads < MAX_REREADS) {
      rereads += 1;
      offset = Math.max(0, from - PAGE_SIZE);
      overlap = null;
      continue;
    }
    const connection = found === 0 ? { ...data, edges: data.edges.slice(1) } : data;
    const instants = data.edges.map(recencyOf);
    newest = newestOf(instants, newest);
    offset = from + data.edges.length;
    // A page of one would be all overlap and never get on.
    overlap = data.edges.length > 1 ? idOf(data.edges.at(-1)) : null;
    const oldest = instants.findLast((at) => at !== null) ?? null;
    const older = pass.since !== null && oldest !== null && oldest < pass.since;
    last = older || !paged || data.edges.length === 0 || data.pageInfo?.hasNextPage !== true;
    const capped = last && paged && !older && (data.totalCount ?? 0) > offset;
    yield {
      connection,
      problems: [...problems, ...(capped ? [cappedNote(pass.search, offset)] : [])],
      nextOffset: offset,
      newest,
      last,
      complete: last && (paged || older),
    };
  }
}

/** Upwork gives the newest 5,000 results of a search and counts the others without giving them. */
function cappedNote({ name }: SavedSearch, given: number): ErrorReport {
  const message = `search "${name}" has more results than the newest ${given} that Upwork gives: narrow it`;
  return { code: 'platform.request_invalid', kind: 'fatal', message };
}

/** Never ahead of the pass's own start: what changes while we read belongs to the next pass. */
function markOf(newest: Date | null, previous: string | undefined, until: Date): string | undefined {
  if (newest === null) return previous;
  return (newest < until ? newest : until).toISOString();
}

/** An increment reads each search back to its own mark; a pass that was given its window keeps to it. */
function sinceOf(plan: Plan<Cursor>, mark: string | undefined): Date | null {
  if (plan.since === null || plan.type !== 'incremental') return plan.since;
  return mark === undefined ? null : new Date(new Date(mark).getTime() - LOOKBACK_MS);
}

/** Where to go on, or null: also when the searches that were left have been taken out of the settings. */
function resumedPass(cursor: Cursor | null, searches: readonly SavedSearch[]): Cursor['pass'] {
  const pass = cursor?.pass ?? null;
  return pass === null || searches.every(({ name }) => pass.done.includes(name)) ? null : pass;
}

async function* readPostings(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const searches = context.settings.saved_searches;
  const names = new Set(searches.map(({ name }) => name));
  const resumed = resumedPass(plan.cursor, searches);
  let marks = Object.fromEntries(Object.entries(plan.cursor?.searches ?? {}).filter(([name]) => names.has(name)));
  const isWanted = keeps(plan, recencyOf);
  const done = new Set((resumed?.done ?? []).filter((name) => names.has(name)));
  for (const search of searches) {
    if (done.has(search.name)) continue;
    const resume = resumed?.search === search.name ? resumed : null;
    const pages = readSearch(api, {
      search,
      since: sinceOf(plan, marks[search.name]),
      // One page back: postings that closed meanwhile have moved the others up.
      offset: Math.max(0, (resume?.offset ?? 0) - PAGE_SIZE),
      newest: resume?.newest ? new Date(resume.newest) : null,
    });
    for await (const page of pages) {
      if (page.last) {
        done.add(search.name);
        const mark = page.complete ? markOf(page.newest, marks[search.name], plan.until) : marks[search.name];
        marks = mark === undefined ? marks : { ...marks, [search.name]: mark };
      }
      const complete = done.size === searches.length;
      const pass = {
        search: search.name,
        offset: page.nextOffset,
        newest: page.newest?.toISOString() ?? null,
        done: [...done],
      };
      const { records, problems } = recordsOf(page.connection, 'postings');
      yield {
        records: records.filter(isWanted),
        mode: { kind: 'upsert' },
        checkpoint: { searches: marks, pass: complete ? null : pass },
        progress: { done: page.nextOffset, total: page.connection.totalCount ?? null },
        problems: [...page.problems, ...problems],
      };
    }
  }
}

export const jobs = defineStream<UpworkCredential, UpworkSettings, 'posting', Cursor>({
  name: 'jobs',
  kind: 'posting',
  owner: 'platform',
  defaultIntervalMinutes: 15,
  fullEveryMs: 24 * HOUR_MS,
  lookbackMs: LOOKBACK_MS,
  readAhead: true,
  typicalCost: 5,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark(cursor) {
    const marks = Object.values(cursor.searches).map((mark) => new Date(mark));
    return marks.length === 0 ? null : marks.reduce((oldest, mark) => (mark < oldest ? mark : oldest));
  },
  read: readPostings,
  parse: parsePosting,
  keyOf: idOf,
});
