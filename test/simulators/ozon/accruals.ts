// Accruals of the simulated Ozon by day. Pages go by a `last_id` that is good for one day and for some minutes.

import { invalidArgument } from './failure.ts';
import { defineResource, idNumber, textIn, type Call } from './resource.ts';

export interface Accrual {
  readonly accrualId: string;
  readonly unitNumber: string | null;
  readonly category: 'POSTING' | 'ITEM' | 'NON_ITEM' | 'CONTAINER_FEES';
  readonly total: string;
  readonly currency: string;
  /** The parts that the category has, as the answer names them. */
  readonly parts: Readonly<Record<string, unknown>>;
}

export class Accruals {
  readonly byDay = new Map<string, Accrual[]>();
  readonly types = new Map<number, string>([
    [1, 'MarketplaceServiceItemAcquiring'],
    [29, 'MarketplaceServiceItemDelivery'],
    [74, 'MarketplaceServiceItemPackaging'],
  ]);
  /** Rows of a page; the request has no say in it. */
  pageSize = 1_000;
  #count = 0n;

  add(day: string, accrual: Partial<Accrual> & Pick<Accrual, 'category' | 'total' | 'parts'>): Accrual {
    const added = { accrualId: String(90_000_000_000n + this.#count), unitNumber: null, currency: 'RUB', ...accrual };
    this.#count += 1n;
    this.byDay.set(day, [...(this.byDay.get(day) ?? []), added]);
    return added;
  }

  /** What a posting brings: `sale` less commission and delivery. Negative amounts are returns. */
  addSale(day: string, unitNumber: string, sale: string, total: string): Accrual {
    const money = (amount: string): object => ({ amount, currency: 'RUB' });
    const products = [
      {
        commission: {
          bonus: money('10'),
          coinvestment: money('0'),
          commission: money('-180'),
          commission_ratio: 'value:"0.150000"',
          sale_amount: money(sale),
          sale_commission: money('-180'),
          sale_price: money(sale),
          seller_price: money('1200'),
        },
        delivery: { services: [{ accrued: money('-74.06'), type_id: 29 }], total_accrued: money('-74.06') },
        quantity: 1,
        sku: idNumber('9307199254740993'),
      },
    ];
    return this.add(day, {
      category: 'POSTING',
      total,
      unitNumber,
      parts: { posting: { delivery_schema: 'Fbs', products } },
    });
  }

  addItemFee(day: string, unitNumber: string, total: string, typeId: number): Accrual {
    const accrued = { amount: total, currency: 'RUB' };
    const fees = [{ fees: [{ accrued, type_id: typeId }], quantity: 1, sku: idNumber('9307199254740993') }];
    return this.add(day, { category: 'ITEM', total, unitNumber, parts: { item_fees: { fees } } });
  }

  addOtherFee(day: string, total: string, typeId: number): Accrual {
    const accrued = { amount: total, currency: 'RUB' };
    return this.add(day, { category: 'NON_ITEM', total, parts: { non_item_fee: { accrued, type_id: typeId } } });
  }
}

export const accruals = defineResource<Accruals>({
  name: 'accruals',
  create: () => new Accruals(),
  methods: {
    '/v1/finance/accrual/types': ({ types }) => ({
      accrual_types: [...types].map(([id, name]) => ({ id, name, description: name })),
    }),
    '/v1/finance/accrual/by-day': ({ byDay, pageSize }, call) => {
      const date = textIn(call.body, 'date') ?? '';
      if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || date < '2022-01-01') throw invalidArgument('invalid Request.Date');
      const all = byDay.get(date) ?? [];
      const at = offsetOf(call, date);
      const rows = all.slice(at, at + pageSize);
      const end = at + rows.length;
      const isOver = end >= all.length && !call.traps.hasNextOnEmpty;
      const accrued = rows.map((accrual) => accrualJson(accrual, date, call.traps.nullObjects));
      return { accruals: accrued, last_id: isOver ? '' : tokenOf(date, end, call.now) };
    },
  },
});

const tokenOf = (date: string, offset: number, now: Date): string =>
  Buffer.from(`${date} ${offset} ${now.getTime()}`).toString('base64url');

function offsetOf({ body, traps, now }: Call, date: string): number {
  const lastId = textIn(body, 'last_id') ?? '';
  if (lastId === '') return 0;
  const [of, offset, issuedMs] = Buffer.from(lastId, 'base64url').toString('utf8').split(' ');
  if (of !== date) throw invalidArgument('invalid Request.LastId: other date');
  if (now.getTime() - Number(issuedMs) >= traps.lastIdLivesMs) throw invalidArgument('invalid Request.LastId: expired');
  return Number(offset);
}

function accrualJson(
  { accrualId, unitNumber, category, total, currency, parts }: Accrual,
  date: string,
  isSparse: boolean,
): object {
  const nulls = isSparse ? { posting: null, item_fees: null, non_item_fee: null, container_fees: null } : {};
  return {
    accrual_id: idNumber(accrualId),
    accrued_category: category,
    date,
    total_amount: { amount: total, currency },
    ...(unitNumber === null ? {} : { unit_number: unitNumber }),
    ...nulls,
    ...parts,
  };
}
