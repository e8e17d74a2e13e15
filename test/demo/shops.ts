// The marketplaces of the demo: Ada has a shop on Wildberries, Ben one on Ozon, both made up at random and both changed between
// the two passes. What is stored is compared by content hash with what the platform holds.

import { connectAccount } from '../../src/app/connect.ts';
import { connectorOf } from '../../src/app/connectors.ts';
import { parseExactJson } from '../../src/connectors/toolkit/exact-json.ts';
import type { AnyConnector } from '../../src/connectors/contract/connector.ts';
import type { PlatformId } from '../../src/core/platforms.ts';
import { Secret } from '../../src/core/secret.ts';
import { aspectOf, keyText } from '../../src/store/record-tables/record-table.ts';
import { tableOf } from '../../src/store/record-tables/tables.ts';
import type { Integration } from '../../src/store/integrations.ts';
import type { User } from '../../src/store/users.ts';
import { createOzonSimulator } from '../simulators/ozon/simulator.ts';
import { openShop as openOzonShop } from '../simulators/ozon/shop.ts';
import { createRandom } from '../simulators/random.ts';
import { holdingsOf } from '../simulators/wildberries/holdings.ts';
import { openShop as openWildberriesShop } from '../simulators/wildberries/shop.ts';
import { createWildberriesSimulator } from '../simulators/wildberries/simulator.ts';
import { rigContext, streamOf } from '../support/connector-rig.ts';
import { createMirror, expectedRows } from '../support/mirror.ts';
import type { Comparison } from './compare.ts';
import { rowsOf } from './observe.ts';
import type { Stage } from './story.ts';

/** A shop on a platform, and what its streams ought to hold. */
export interface DemoShop {
  readonly connector: AnyConnector;
  readonly credentials: unknown;
  readonly settings: object;
  /** Streams that are compared; that of the account says what the others do not. */
  readonly streams: readonly string[];
  change(times: number): void;
  /** Hash by key, by stream. */
  expected(stream: string): Promise<ReadonlyMap<string, string>>;
}

export interface ShopPlatforms {
  /** Base URL by platform. */
  readonly baseUrls: Readonly<Partial<Record<PlatformId, string>>>;
  readonly shops: readonly DemoShop[];
  stop(): Promise<void>;
}

const comparedOf = ({ streams }: AnyConnector): readonly string[] =>
  streams.map(({ name }) => name).filter((name) => name !== 'account');

/** Both platforms started, with a shop each. */
export async function openShops(): Promise<ShopPlatforms> {
  const now = (): Date => new Date();
  const wildberries = createWildberriesSimulator();
  const ozon = createOzonSimulator({ limits: { perSecond: 1_000_000, perMinute: {} } });
  await Promise.all([wildberries.start(), ozon.start()]);
  return {
    baseUrls: { wildberries: wildberries.baseUrl, ozon: ozon.baseUrl },
    shops: [openOnWildberries(wildberries, now), openOnOzon(ozon, now)],
    async stop() {
      await Promise.all([wildberries.stop(), ozon.stop()]);
    },
  };
}

function openOnWildberries(sim: ReturnType<typeof createWildberriesSimulator>, now: () => Date): DemoShop {
  const connector = connectorOf('wildberries');
  const { seller, credentials } = sim.addSeller();
  const shop = openWildberriesShop({ seller, random: createRandom(11), now });
  shop.grow({ cards: 40, orders: 150 });
  return {
    connector,
    credentials,
    settings: {},
    streams: comparedOf(connector),
    change: (times) => shop.change(times),
    expected: async (stream) => {
      const holdings = parseExactJson(JSON.stringify(holdingsOf(seller)[stream])) as unknown[];
      return expectedRows(connector, stream, holdings);
    },
  };
}

function openOnOzon(sim: ReturnType<typeof createOzonSimulator>, now: () => Date): DemoShop {
  const connector = connectorOf('ozon');
  const { seller, credentials } = sim.addSeller();
  const shop = openOzonShop({ sim, clientId: seller.clientId, random: createRandom(12), now });
  shop.grow({ goods: 40, postings: 150 });
  const since = new Date(now().getTime() - 20 * 86_400_000).toISOString().slice(0, 10);
  const settings = { finance_since: since, orders_since: since };
  return {
    connector,
    credentials,
    settings,
    streams: comparedOf(connector),
    change: (times) => shop.change(times),
    // What somebody finds who looks for the first time.
    async expected(stream) {
      const mirror = createMirror(connector);
      await mirror.pass(stream, rigContext({ connector, baseUrl: sim.baseUrl, credentials, settings }));
      return mirror.stored(stream);
    },
  };
}

export async function connectShop({ session, config }: Stage, owner: User, shop: DemoShop): Promise<Integration> {
  const { connector, credentials, settings } = shop;
  return await connectAccount({
    api: session.api,
    config,
    connector,
    user: owner,
    schedule: { intervalMinutes: 60 },
    settings: connector.settings.parse(settings),
    credential: new Secret<unknown>(connector.credential.parse(credentials)),
    now: new Date(),
  });
}

/** Where a stream's rows are; several streams may write one table, with one hash or with one each. */
const placeOf = ({ connector }: DemoShop, stream: string): string => {
  const table = tableOf(streamOf(connector, stream).kind);
  return `${table.name} ${aspectOf(table).hash}`;
};

/** Source and store of one stream, row by row. */
export async function compareShop(
  { session }: Stage,
  shop: DemoShop,
  { id, userId }: Pick<Integration, 'id' | 'userId'>,
  stream: string,
): Promise<Comparison> {
  const table = tableOf(streamOf(shop.connector, stream).kind);
  const { hash } = aspectOf(table);
  const rows = await rowsOf<{ key: string; hash: string }>(
    session,
    userId,
    `select ${keyText(table, 't')} as key, encode(t.${hash}, 'hex') as hash from ${table.name} t
     where t.integration_id = '${id}' and t.${hash} is not null and t.deleted_at is null`,
  );
  const siblings = shop.streams.filter((other) => other !== stream && placeOf(shop, other) === placeOf(shop, stream));
  const foreign = new Set(
    (await Promise.all(siblings.map((other) => shop.expected(other)))).flatMap((of) => [...of.keys()]),
  );
  const stored = new Map(rows.filter(({ key }) => !foreign.has(key)).map((row) => [row.key, `\\x${row.hash}`]));
  const expected = await shop.expected(stream);
  const differences = [
    ...[...expected]
      .filter(([key, of]) => stored.get(key) !== of)
      .map(([key]) => `${stream} ${key}: ${stored.has(key) ? 'differs' : 'is missing'}`),
    ...[...stored.keys()].filter((key) => !expected.has(key)).map((key) => `${stream} ${key}: is too many`),
  ];
  return { source: expected.size, stored: stored.size, differences: differences.slice(0, 5) };
}
