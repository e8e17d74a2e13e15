// Figures of the simulated Ozon by sku and day: positional, and fewer of them for a shop that does not pay.

import { CODE, invalidArgument, OzonFailure } from './failure.ts';
import { defineResource, limitIn, textIn, textsIn, type Call } from './resource.ts';

export interface DayFigures {
  readonly sku: string;
  readonly day: string;
  readonly figures: Readonly<Record<string, number>>;
}

export class Figures {
  readonly days = new Map<string, DayFigures>();

  set(sku: string, day: string, figures: DayFigures['figures']): void {
    this.days.set(`${day} ${sku}`, { sku, day, figures });
  }
}

const FREE: ReadonlySet<string> = new Set(['revenue', 'ordered_units']);
const KNOWN: ReadonlySet<string> = new Set([
  ...FREE,
  'hits_view',
  'hits_tocart',
  'returns',
  'cancellations',
  'delivered_units',
]);
const FREE_MS = 92 * 86_400_000;

function requirePlan({ seller, now }: Call, metrics: readonly string[], from: string): void {
  if (['PREMIUM_PLUS', 'PREMIUM_PRO'].includes(seller.subscription)) return;
  if (metrics.every((name) => FREE.has(name)) && now.getTime() - Date.parse(from) <= FREE_MS) return;
  throw new OzonFailure(403, CODE.permissionDenied, 'Metrics are not available with existing subscription');
}

export const figures = defineResource<Figures>({
  name: 'figures',
  create: () => new Figures(),
  methods: {
    '/v1/analytics/data': ({ days }, call) => {
      const { body } = call;
      const [from, to] = [textIn(body, 'date_from') ?? '', textIn(body, 'date_to') ?? ''];
      const metrics = textsIn(body, 'metrics') ?? [];
      if (metrics.length === 0 || metrics.length > 14 || metrics.some((name) => !KNOWN.has(name)))
        throw invalidArgument('invalid Request.Metrics');
      requirePlan(call, metrics, from);
      const limit = limitIn(body, { max: 1_000 });
      const offset = Number(body['offset'] ?? 0);
      const found = [...days.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
      const rows = found.filter(({ day }) => day >= from && day <= to).slice(offset, offset + limit);
      const data = rows.map((row) => ({
        dimensions: [
          { id: row.sku, name: 'A thing' },
          { id: row.day, name: '' },
        ],
        metrics: metrics.map((name) => row.figures[name] ?? 0),
      }));
      return { result: { data, totals: metrics.map(() => 0) }, timestamp: '2026-10-15 09:00:00' };
    },
  },
});
