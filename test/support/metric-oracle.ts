// What the days of a user come to, reckoned the slow way: every fact is looked at on its own, with `Intl` for local days. Nothing here
// is taken from the definitions under test.

import { amountOf, chatOf, platformDayOf, starsOf, type Fact } from './metric-facts.ts';

/** A fact as it was heard of last. */
export interface KnownFact {
  readonly fact: Fact;
  readonly removed: boolean;
  /** Zone of the user when its row was purged; null: it is there. */
  readonly purgedIn: string | null;
}

/** Metric, or `metric:CURRENCY` → amount in millionths. Zeroes are left out. */
export type DayFigures = Readonly<Record<string, number>>;

export const ANSWERS = ['first_responses', 'first_response_total_seconds'] as const;

const MILLION = 1_000_000;
const formats = new Map<string, Intl.DateTimeFormat>();

export function localDay(instant: Date, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined)
    formats.set(
      timeZone,
      (format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })),
    );
  return format.format(instant);
}

type Add = (day: string, metric: string, value: number) => void;

const isFailed = ({ cents }: Fact): boolean => cents % 5 === 0;

function addFact({ fact, purgedIn }: KnownFact, timezone: string, add: Add): void {
  const zone = purgedIn ?? timezone;
  const { cents, currency, flag, endedAt } = fact;
  const day = localDay(fact.at, zone);
  const amount = Number(amountOf(fact));
  switch (fact.kind) {
    case 'proposal':
      return add(day, 'proposals_sent', 1);
    case 'payment':
      if (isFailed(fact)) return;
      if (flag) add(day, 'payments', 1);
      return add(day, `${flag ? 'total_earnings' : 'platform_fees'}:${currency}`, amount);
    case 'time':
      return add(platformDayOf(fact), 'total_hours', amount);
    case 'order':
      add(day, 'orders', 1);
      add(day, 'units_ordered', cents % 4);
      add(day, `order_amount:${currency}`, amount);
      if (flag && endedAt !== null) add(localDay(endedAt, zone), 'orders_cancelled', 1);
      return;
    case 'sale':
      if (flag) add(day, 'sales', 1);
      return add(day, `sales_amount:${currency}`, amount);
    case 'return':
      add(day, 'returns', 1);
      if (flag) add(day, `return_amount:${currency}`, amount);
      return;
    case 'review':
      add(day, 'reviews', 1);
      if (!flag) return;
      add(day, 'reviews_rated', 1);
      return add(day, 'rating_total', starsOf(fact));
    case 'views':
      if (flag) add(platformDayOf(fact), 'listing_views', Math.abs(cents));
      return;
    case 'finance':
      return add(platformDayOf(fact), `finance_amount:${currency}`, amount);
    case 'message':
      if (flag) return add(day, 'messages_in', 1);
      if (!isFailed(fact)) add(day, 'messages_out', 1);
  }
}

/** In a talk: what came before an answer and since the answer before it, the answer's own instant included. */
function addAnswers(messages: readonly Fact[], timezone: string, add: Add): void {
  const sent = messages.filter((fact) => !fact.flag && !isFailed(fact)).map(({ at }) => at.getTime());
  const instants = [...new Set(sent)].sort((a, b) => a - b);
  for (const [index, at] of instants.entries()) {
    const before = instants[index - 1] ?? -Infinity;
    const asked = messages.filter((fact) => fact.flag).map((fact) => fact.at.getTime());
    const waiting = asked.filter((instant) => instant > before && instant <= at);
    if (waiting.length === 0) continue;
    const day = localDay(new Date(at), timezone);
    add(day, 'first_responses', 1);
    add(day, 'first_response_total_seconds', (at - Math.min(...waiting)) / 1_000);
  }
}

/** Every day on which anything counts. */
export function expectedDays(known: Iterable<KnownFact>, timezone: string): Map<string, DayFigures> {
  const days = new Map<string, Record<string, number>>();
  const add: Add = (day, metric, value) => {
    const figures = days.get(day) ?? {};
    days.set(day, figures);
    figures[metric] = (figures[metric] ?? 0) + Math.round(value * MILLION);
  };
  const facts = [...known].filter(({ removed }) => !removed);
  for (const fact of facts) addFact(fact, timezone, add);
  const kept = facts.filter(({ fact, purgedIn }) => fact.kind === 'message' && purgedIn === null);
  const chats = Map.groupBy(kept, ({ fact }) => chatOf(fact));
  for (const messages of chats.values())
    addAnswers(
      messages.map(({ fact }) => fact),
      timezone,
      add,
    );
  return new Map([...days].map(([day, figures]) => [day, withoutZeroes(figures)]));
}

export function withoutZeroes(figures: DayFigures): DayFigures {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== 0));
}

export const millionths = (value: string | number): number => Math.round(Number(value) * MILLION);
