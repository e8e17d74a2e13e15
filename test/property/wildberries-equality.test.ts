// A shop on Wildberries is stored row by row as it is, whatever happens on the way.

import { afterAll, beforeAll, test } from 'vitest';
import { wildberries } from '../../src/connectors/wildberries/index.ts';
import { holdingsOf } from '../simulators/wildberries/holdings.ts';
import { openShop } from '../simulators/wildberries/shop.ts';
import { createWildberriesSimulator } from '../simulators/wildberries/simulator.ts';
import { provesEquality, type Turned } from '../support/shop-equality.ts';

const clock: Turned = { ms: 0 };
const now = (): Date => new Date(clock.ms);
const sim = createWildberriesSimulator({ now });

beforeAll(() => sim.start());
afterAll(() => sim.stop());

test('every stream holds what the platform holds', async () => {
  await provesEquality(
    {
      connector: wildberries,
      baseUrl: sim.baseUrl,
      faults: sim.faults,
      slowDown: { kind: 'status', status: 429, headers: { 'x-ratelimit-retry': '30' } },
      open(random) {
        const { seller, credentials } = sim.addSeller();
        const shop = openShop({ seller, random, now });
        shop.grow({ cards: 5, orders: 12 });
        return { credentials, change: shop.change, holdings: () => holdingsOf(seller) };
      },
    },
    clock,
  );
}, 300_000);
