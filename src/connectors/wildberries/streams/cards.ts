// Cards of the catalogue in the order of their last change, and the trash in the order of its own: that is how a removal is
// seen. The last place in both lists is where the next pass begins.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { AppError } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { exactNumber } from '../../toolkit/exact-json.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { count, idText, instant } from '../../toolkit/scalars.ts';
import { createWildberriesApi, type Context } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { CARDS, TRASH, type Endpoint } from '../endpoints.ts';
import { parseCard } from '../schemas/cards.ts';
import type { WildberriesSettings } from '../settings.ts';

/** The most that the method gives; without a limit it gives ten. */
const LIMIT = 100;

const placeSchema = z.strictObject({ at: z.string().min(1), nmId: z.string().min(1) });
type Place = z.output<typeof placeSchema>;

const cursorSchema = z.strictObject({
  /** The last card stored of each list, by which it goes on. */
  trash: placeSchema.nullable(),
  cards: placeSchema.nullable(),
  /** The list in hand; null: the pass is over. */
  list: z.enum(['trash', 'cards']).nullable(),
});

type Cursor = z.output<typeof cursorSchema>;

interface List {
  readonly endpoint: Endpoint;
  /** The member of the cursor that is the instant. */
  readonly instant: 'trashedAt' | 'updatedAt';
  readonly filter: object;
}

const LISTS: Readonly<Record<'trash' | 'cards', List>> = {
  trash: { endpoint: TRASH, instant: 'trashedAt', filter: {} },
  // Without the filter only cards without a picture come.
  cards: { endpoint: CARDS, instant: 'updatedAt', filter: { filter: { withPhoto: -1 } } },
};

const answerSchema = z.object({
  cards: z.array(z.unknown()),
  cursor: z.object({
    updatedAt: z.string().nullish(),
    trashedAt: z.string().nullish(),
    nmID: idText.nullish(),
    total: count,
  }),
});

async function* readList(
  { endpoint, instant: name, filter }: List,
  from: Place | null,
  context: Context,
): AsyncGenerator<{ readonly records: readonly unknown[]; readonly place: Place | null }> {
  const api = createWildberriesApi(context);
  let place = from;
  for (;;) {
    const at = place === null ? {} : { [name]: place.at, nmID: exactNumber(place.nmId) };
    const body = { settings: { sort: { ascending: true }, cursor: { limit: LIMIT, ...at }, ...filter } };
    const answer = await api.ask(endpoint, answerSchema, { body });
    if (answer === null) return;
    const { cards, cursor } = answer;
    const stamp = cursor[name];
    const before = place;
    // Both members belong together; an empty page has none.
    if (stamp != null && stamp !== '' && cursor.nmID != null && cards.length > 0)
      place = { at: stamp, nmId: cursor.nmID };
    yield { records: cards, place };
    if (cursor.total < LIMIT || cards.length === 0) return;
    if (place === before || (place?.at === before?.at && place?.nmId === before?.nmId))
      throw new AppError('platform.answer_invalid', `expected ${endpoint.path} to go on, got the same place again`);
  }
}

const markOf = ({ cards }: Cursor): Date | null => (cards === null ? null : (instant.safeParse(cards.at).data ?? null));

async function* read({ cursor, type }: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const isResumed = cursor !== null && cursor.list !== null;
  // A full pass begins at the first card of both lists.
  let state: Cursor =
    isResumed || (cursor !== null && type === 'incremental') ? cursor : { trash: null, cards: null, list: null };
  const lists = state.list === 'cards' ? (['cards'] as const) : (['trash', 'cards'] as const);
  for (const list of lists) {
    for await (const { records, place } of readList(LISTS[list], state[list], context)) {
      state = { ...state, [list]: place, list };
      yield { records, mode: { kind: 'upsert' }, checkpoint: state };
    }
  }
  yield { records: [], mode: { kind: 'upsert' }, checkpoint: { ...state, list: null } };
}

export const cards = defineStream<WildberriesCredential, WildberriesSettings, 'product', Cursor>({
  name: 'cards',
  kind: 'product',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: 7 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: markOf,
  read,
  parse: parseCard,
  keyOf: (raw) => keyIn(raw, 'nmID'),
});
