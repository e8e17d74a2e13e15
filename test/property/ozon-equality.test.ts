// A shop on Ozon is stored row by row as it is, whatever happens on the way.

import { afterAll, beforeAll, test } from 'vitest';
import { ozon } from '../../src/connectors/ozon/index.ts';
import { openShop } from '../simulators/ozon/shop.ts';
import { createOzonSimulator } from '../simulators/ozon/simulator.ts';
import { provesEquality, type Turned } from '../support/shop-equality.ts';

const clock: Turned = { ms: 0 };
const now = (): Date => new Date(clock.ms);
const sim = createOzonSimulator({ now, limits: { perSecond: 1_000_000, perMinute: {} } });

beforeAll(() => sim.start());
afterAll(() => sim.stop());

test('every stream holds what the platform holds', async () => {
  await provesEquality(
    {
      connector: ozon,
      baseUrl: sim.baseUrl,
      faults: sim.faults,
      slowDown: { kind: 'status', status: 429, body: { code: 8, message: 'rate limit' } },
      open(random) {
        const { seller, credentials } = sim.addSeller();
        const shop = openShop({ sim, clientId: seller.clientId, random, now });
        shop.grow({ goods: 5, postings: 12 });
        // A year of empty days would only take its time.
        const settings = { finance_since: '2026-09-25', orders_since: '2026-09-20' };
        return { credentials, settings, change: shop.change };
      },
    },
    clock,
  );
}, 300_000);
