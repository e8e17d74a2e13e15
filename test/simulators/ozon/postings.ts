// Postings of both schemes.

import { at, invalid, pageOf, type Asked, type Method } from './method.ts';
import type { Resource, Row } from './state.ts';

const YEAR_MS = 366 * 86_400_000;

interface Filter {
  readonly since?: string;
  readonly to?: string;
  readonly last_changed_status_date?: { readonly from: string; readonly to: string };
}

function list(resource: Resource) {
  return ({ body, seller, traps }: Asked): unknown => {
    const filter = (body['filter'] ?? {}) as Filter;
    const limit = body['limit'] as number;
    if (!(limit >= 1 && limit <= 100)) return invalid('limit: value must be inside range [1, 100]');
    if (filter.since === undefined || filter.to === undefined) return invalid('filter.since: is required');
    const [since, to] = [Date.parse(filter.since), Date.parse(filter.to)];
    if (to - since > YEAR_MS) return invalid('PERIOD_IS_TOO_LONG');
    const changed = filter.last_changed_status_date;
    const found = seller.rows[resource]
      .filter((row) => at(row, 'created_at') >= since && at(row, 'created_at') <= to)
      .filter((row) => changed === undefined || inside(at(row, 'changed_at'), changed))
      .toSorted((a, b) => at(a, 'created_at') - at(b, 'created_at'));
    const { rows, next, hasNext } = pageOf(found, body['cursor'], limit, traps);
    return { postings: rows.map((row) => shown(row, traps.nullObjects)), cursor: next, has_next: hasNext };
  };
}

function inside(moment: number, { from, to }: { readonly from: string; readonly to: string }): boolean {
  return moment >= Date.parse(from) && moment <= Date.parse(to);
}

/** When the status changed is not told. */
function shown({ changed_at: _changed, ...row }: Row, isNull: boolean): Row {
  return isNull ? { ...row, financial_data: null, analytics_data: null, cancellation: null } : row;
}

export const postingMethods: readonly Method[] = [
  { path: '/v4/posting/fbs/list', answer: list('fbs') },
  { path: '/v3/posting/fbo/list', answer: list('fbo') },
];
