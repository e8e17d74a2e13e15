// All accruals of one day. A page's `last_id` is good for fifteen minutes: when it is over, the day is begun again, and only a whole
// day is handed on.

import { z } from 'zod';
import { canonicalJson } from '../../core/canonical-json.ts';
import { AppError, type ErrorReport } from '../../core/errors.ts';
import { keyIn } from '../toolkit/parse-record.ts';
import type { OzonApi } from './api.ts';
import { listPages } from './pages.ts';
import { idText } from '../toolkit/scalars.ts';
import { rows } from './schemas/scalars.ts';

export interface AccrualDay {
  /** Numbered and with the names of their types, in an order that does not depend on the platform's. */
  readonly entries: readonly unknown[];
  /** Set when the platform gave no way to the rest of the day. */
  readonly doubt: ErrorReport | null;
}

export type TypeNames = ReadonlyMap<string, string>;

const TRIES = 3;

const daySchema = z.object({ accruals: rows, last_id: z.string().nullish() });

const typesSchema = z.object({ accrual_types: z.array(z.object({ id: idText, name: z.string() })).nullish() });

/** Names of the types of accruals. Throws what `api.call` does. */
export async function readTypes(api: OzonApi): Promise<TypeNames> {
  const { accrual_types: types } = await api.call('/v1/finance/accrual/types', {}, typesSchema);
  return new Map((types ?? []).map(({ id, name }) => [id, name]));
}

/** Throws what `api.call` does. */
export async function readDay(api: OzonApi, day: string, names: TypeNames): Promise<AccrualDay> {
  for (let attempt = 1; ; attempt += 1) {
    const tried = { lastId: '' };
    try {
      const { accruals, doubt } = await readOnce(api, day, tried);
      return {
        entries: numbered(accruals).map((entry) => ({ ...entry, day, types: namesIn(entry.accrual, names) })),
        doubt,
      };
    } catch (error) {
      const isExpired = error instanceof AppError && error.code === 'platform.request_invalid' && tried.lastId !== '';
      if (!isExpired || attempt === TRIES) throw error;
    }
  }
}

async function readOnce(
  api: OzonApi,
  date: string,
  tried: { lastId: string },
): Promise<{ readonly accruals: readonly unknown[]; readonly doubt: ErrorReport | null }> {
  const found: unknown[] = [];
  let doubt: ErrorReport | null = null;
  // The request has no say in how long a page is: whatever came may be followed by more.
  const pages = listPages(`accruals of ${date}`, 1, async (lastId) => {
    tried.lastId = lastId;
    const { accruals, last_id: next } = await api.call(
      '/v1/finance/accrual/by-day',
      { date, last_id: lastId },
      daySchema,
    );
    return { rows: accruals, cursor: next ?? '', hasNext: null };
  });
  for await (const page of pages) {
    found.push(...page.rows);
    doubt ??= page.doubt;
  }
  return { accruals: found, doubt };
}

interface Numbered {
  readonly ordinal: number;
  readonly accrual: unknown;
}

/** Accruals that share an id get a number by what they say, so that another order of the same ones changes nothing. */
function numbered(accruals: readonly unknown[]): readonly Numbered[] {
  const groups = Map.groupBy(accruals, (accrual) => keyIn(accrual, 'accrual_id'));
  return [...groups.values()].flatMap((group) => {
    if (group.length === 1) return [{ ordinal: 0, accrual: group[0] }];
    const texts = group.map((accrual) => ({ accrual, text: canonicalJson(accrual) }));
    texts.sort((a, b) => (a.text < b.text ? -1 : 1));
    return texts.map(({ accrual }, ordinal) => ({ ordinal, accrual }));
  });
}

const TYPE_ID = /"type_id":"?(\d+)/g;

function namesIn(accrual: unknown, names: TypeNames): Readonly<Record<string, string>> {
  const ids = [...canonicalJson(accrual).matchAll(TYPE_ID)].map(([, id = '']) => id);
  return Object.fromEntries(ids.flatMap((id) => (names.has(id) ? [[id, names.get(id)!]] : [])));
}
