// Reports: fields of the account's node, each with a shape of its own. Older days than a report looks back to are missing, and
// so is whatever belongs to a number or template that the account no longer has.

import { invalidParameter } from './failure.ts';
import { listIn, type Field } from './fields.ts';
import { DAYS_ONLY, floorTo, LONG_WORDS, nextOf, rangeOf, SHORT_WORDS, type Range } from './periods.ts';
import type { WhatsappTraps } from './traps.ts';
import type { Waba } from './world.ts';

export interface ReportRequest {
  readonly waba: Waba;
  readonly modifiers: Field['modifiers'];
  readonly now: Date;
  readonly traps: Pick<WhatsappTraps, 'templatePointsPerPage'>;
}

/** A report's answer, and whether it has not a single point. */
export type Report = (request: ReportRequest) => { readonly answer: object; readonly isEmpty: boolean };

type Row = Readonly<Record<string, unknown>>;

const DAY_MS = 86_400_000;
const YEAR_DAYS = 365;
const TEMPLATE_DAYS = 90;
const MAX_TEMPLATES = 10;

export const REPORTS: Readonly<Record<string, Report>> = {
  analytics: messaging,
  conversation_analytics: conversations,
  pricing_analytics: pricing,
  template_analytics: templates,
};

/** One number per point, of all numbers together: which ones is said once, above. */
function messaging({ waba, modifiers, now }: ReportRequest): ReturnType<Report> {
  const range = rangeOf(modifiers, SHORT_WORDS);
  const numbers = numbersOf(waba, modifiers);
  const countries = listIn(modifiers['country_codes']);
  const facts = seen(waba.figures.messaging, { range, now, days: YEAR_DAYS })
    .filter(({ phoneNumber }) => numbers.includes(phoneNumber))
    .filter(({ country }) => countries.length === 0 || countries.includes(country));
  const points = added(facts, range, () => ({}), ['sent', 'delivered']);
  const answer = {
    phone_numbers: numbers,
    ...(countries.length === 0 ? {} : { country_codes: countries }),
    granularity: range.granularity,
    data_points: points,
  };
  return { answer, isEmpty: points.length === 0 };
}

function conversations({ waba, modifiers, now }: ReportRequest): ReturnType<Report> {
  const range = rangeOf(modifiers, LONG_WORDS);
  const numbers = numbersOf(waba, modifiers);
  const asked = dimensionsOf(modifiers, [
    'PHONE',
    'COUNTRY',
    'CONVERSATION_TYPE',
    'CONVERSATION_CATEGORY',
    'CONVERSATION_DIRECTION',
  ]);
  const facts = seen(waba.figures.conversations, { range, now, days: YEAR_DAYS })
    .filter(({ phoneNumber }) => numbers.includes(phoneNumber))
    .map(({ conversations: conversation, ...fact }) => ({ ...fact, conversation }));
  const points = added(
    facts,
    range,
    ({ phoneNumber, country, type, category, direction }) => ({
      ...(asked.has('PHONE') ? { phone_number: phoneNumber } : {}),
      ...(asked.has('COUNTRY') ? { country } : {}),
      ...(asked.has('CONVERSATION_TYPE') ? { conversation_type: type } : {}),
      ...(asked.has('CONVERSATION_CATEGORY') ? { conversation_category: category } : {}),
      ...(asked.has('CONVERSATION_DIRECTION') ? { conversation_direction: direction } : {}),
    }),
    ['conversation', 'cost'],
  );
  return { answer: { data: [{ data_points: points }] }, isEmpty: points.length === 0 };
}

function pricing({ waba, modifiers, now }: ReportRequest): ReturnType<Report> {
  const range = rangeOf(modifiers, LONG_WORDS);
  const numbers = numbersOf(waba, modifiers);
  const asked = dimensionsOf(modifiers, ['PHONE', 'COUNTRY', 'PRICING_TYPE', 'PRICING_CATEGORY', 'TIER']);
  const facts = seen(waba.figures.pricing, { range, now, days: YEAR_DAYS }).filter(({ phoneNumber }) =>
    numbers.includes(phoneNumber),
  );
  const points = added(
    facts,
    range,
    ({ phoneNumber, country, type, category, tier }) => ({
      ...(asked.has('PHONE') ? { phone_number: phoneNumber } : {}),
      ...(asked.has('COUNTRY') ? { country } : {}),
      ...(asked.has('PRICING_TYPE') ? { pricing_type: type } : {}),
      ...(asked.has('PRICING_CATEGORY') ? { pricing_category: category } : {}),
      ...(asked.has('TIER') && tier !== null ? { tier } : {}),
    }),
    ['volume', 'cost'],
  );
  return { answer: { data: [{ data_points: points }] }, isEmpty: points.length === 0 };
}

/** Wants to be told the templates, at most ten. */
function templates({ waba, modifiers, now, traps }: ReportRequest): ReturnType<Report> {
  const range = rangeOf(modifiers, DAYS_ONLY);
  const ids = listIn(modifiers['template_ids']);
  if (ids.length === 0) throw invalidParameter('The parameter template_ids is required');
  if (ids.length > MAX_TEMPLATES) throw invalidParameter(`Param template_ids must have at most ${MAX_TEMPLATES} ids`);
  const points = seen(waba.figures.templates, { range, now, days: TEMPLATE_DAYS })
    .filter(({ templateId }) => ids.includes(templateId) && waba.templates.some(({ id }) => id === templateId))
    .map(({ at, templateId, ...counts }) => {
      const start = floorTo(at.getTime() / 1_000, 'day');
      return { template_id: templateId, start, end: nextOf(start, 'day'), ...counts };
    });
  const { shown, paging } = templatePage(points, modifiers['after'], traps.templatePointsPerPage);
  const group = { granularity: range.granularity, product_type: 'cloud_api', data_points: shown };
  return { answer: { data: [group], paging }, isEmpty: points.length === 0 };
}

/** Has cursors on every page; only a missing `next` says that there is no more. */
function templatePage(
  points: readonly Row[],
  after: string | undefined,
  size: number,
): { readonly shown: readonly Row[]; readonly paging: object } {
  const from = after === undefined || after === '' ? 0 : placeIn(after);
  const shown = points.slice(from, from + size);
  const end = from + shown.length;
  const cursors = { before: placeCursor(from), after: placeCursor(end) };
  return {
    shown,
    paging: { cursors, ...(end < points.length ? { next: `https://graph.facebook.com/?after=${cursors.after}` } : {}) },
  };
}

const placeCursor = (place: number): string => Buffer.from(String(place)).toString('base64url');

function placeIn(cursor: string): number {
  const place = Number(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (!Number.isInteger(place)) throw invalidParameter('Invalid cursor');
  return place;
}

/** Those that were asked for, as far as the account has them now; all without a question. */
function numbersOf(waba: Waba, modifiers: Field['modifiers']): readonly string[] {
  const asked = listIn(modifiers['phone_numbers']).map((number) => number.replaceAll(/\D/g, ''));
  const present = waba.numbers.map(({ digits }) => digits);
  return asked.length === 0 ? present : present.filter((digits) => asked.includes(digits));
}

function dimensionsOf(modifiers: Field['modifiers'], known: readonly string[]): ReadonlySet<string> {
  const asked = listIn(modifiers['dimensions']);
  const unknown = asked.find((word) => !known.includes(word));
  if (unknown !== undefined) throw invalidParameter(`Param dimensions[0] must be one of {${known.join(', ')}}`);
  return new Set(asked);
}

function seen<Fact extends { readonly at: Date }>(
  facts: readonly Fact[],
  { range, now, days }: { readonly range: Range; readonly now: Date; readonly days: number },
): readonly Fact[] {
  const oldest = now.getTime() - days * DAY_MS;
  return facts.filter(
    ({ at }) => at.getTime() >= Math.max(range.start * 1_000, oldest) && at.getTime() < range.end * 1_000,
  );
}

/** One point per period and combination of dimensions, in the order of their periods. */
function added<Fact extends { readonly at: Date }>(
  facts: readonly Fact[],
  { period }: Range,
  dimensions: (fact: Fact) => Row,
  counts: readonly (keyof Fact & string)[],
): readonly Row[] {
  const groups = Map.groupBy(facts, (fact) => {
    const start = floorTo(fact.at.getTime() / 1_000, period);
    return JSON.stringify([start, dimensions(fact)]);
  });
  const points = [...groups.values()].map((group) => {
    const start = floorTo(group[0]!.at.getTime() / 1_000, period);
    const sums = counts.map((count) => [count, group.reduce((sum, fact) => sum + Number(fact[count]), 0)] as const);
    return { start, end: nextOf(start, period), ...dimensions(group[0]!), ...Object.fromEntries(sums) };
  });
  return points.toSorted((one, other) => one.start - other.start);
}
