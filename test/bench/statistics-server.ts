// Statistics of a simulated Wildberries, as many rows as one likes: made while they are sent, in answers of 80,000 sorted by their
// last change, so that the server holds none of them.

import { Faults } from '../simulators/faults.ts';
import { Journal } from '../simulators/journal.ts';
import { createSimulatorServer, type SimulatorServer } from '../simulators/server.ts';

const ANSWER_ROWS = 80_000;
/** Rows that changed in one second. */
const TIED = 7;

export const FIRST_CHANGE = Date.parse('2026-08-01T00:00:00Z');

const changeOf = (n: number): string =>
  new Date(FIRST_CHANGE + Math.floor(n / TIED) * 1_000).toISOString().slice(0, 19);

function* rowsFrom(first: number, rows: number): Generator<string> {
  const last = Math.min(first + ANSWER_ROWS, rows);
  yield '[';
  for (let n = first; n < last; n += 1) {
    const row = {
      date: changeOf(n),
      lastChangeDate: changeOf(n),
      warehouseName: 'Коледино',
      warehouseType: 'Склад WB',
      countryName: 'Россия',
      oblastOkrugName: 'Центральный федеральный округ',
      regionName: 'Московская',
      supplierArticle: `article-${n % 5_000}`,
      nmId: 100_000_000 + (n % 5_000),
      barcode: `46${String(n % 5_000).padStart(11, '0')}`,
      category: 'Посуда и инвентарь',
      subject: 'Кружки',
      brand: 'North',
      techSize: '0',
      incomeID: 0,
      isSupply: false,
      isRealization: true,
      totalPrice: 1_887.5,
      discountPercent: 18,
      spp: 26,
      finishedPrice: 1_145.25,
      priceWithDisc: 1_547.75,
      isCancel: n % 20 === 0,
      cancelDate: '0001-01-01T00:00:00',
      sticker: '',
      gNumber: `3400343${n}`,
      srid: `6f90${String(n).padStart(12, '0')}.0.0`,
    };
    yield `${n === first ? '' : ','}${JSON.stringify(row)}`;
  }
  yield ']';
}

/** Rows with the second of `dateFrom` come again. */
function firstRow(dateFrom: string): number {
  const seconds = Math.ceil((Date.parse(`${dateFrom}Z`) - FIRST_CHANGE) / 1_000);
  return Math.max(0, seconds * TIED);
}

export function createStatisticsServer(rows: number): SimulatorServer {
  const now = (): Date => new Date();
  return createSimulatorServer({
    routes: [
      {
        method: 'GET',
        path: '/statistics-api/api/v1/supplier/orders',
        answer: ({ query }) => ({ status: 200, pieces: rowsFrom(firstRow(query.get('dateFrom') ?? ''), rows) }),
      },
    ],
    journal: new Journal(),
    faults: new Faults(),
    now,
    mono: () => performance.now(),
  });
}
