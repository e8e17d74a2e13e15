// The platforms this build knows. A new connector is one line here.

import { AppError } from '../core/errors.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import { ozon } from '../connectors/ozon/index.ts';
import { telegram } from '../connectors/telegram/index.ts';
import { upwork } from '../connectors/upwork/index.ts';
import { whatsapp } from '../connectors/whatsapp/index.ts';
import { wildberries } from '../connectors/wildberries/index.ts';

export const CONNECTORS: ReadonlyMap<string, AnyConnector> = new Map(
  [upwork, wildberries, ozon, telegram, whatsapp].map((connector) => [connector.platform, connector]),
);

/** How long an unused grant lives, by platform; null: its credentials say when they end, if they do. */
export const GRANT_IDLE_MS: ReadonlyMap<string, number | null> = new Map(
  [...CONNECTORS.values()].map(({ platform, auth }) => [platform, auth.kind === 'oauth2' ? auth.grantIdleMs : null]),
);

/** Platforms whose credentials name their account. */
export const SELF_NAMED: readonly PlatformId[] = [...CONNECTORS.values()].flatMap((connector) =>
  connector.accountOf === undefined ? [] : [connector.platform],
);

/** Throws `usage.invalid` naming the platforms that exist. */
export function connectorOf(platform: string): AnyConnector {
  const connector = CONNECTORS.get(platform);
  if (connector !== undefined) return connector;
  throw new AppError(
    'usage.invalid',
    `expected a platform of ${[...CONNECTORS.keys()].join(', ')}, got ${JSON.stringify(platform.slice(0, 40))}`,
  );
}

/** What a run of a stream usually costs in requests; the unit of fairness. */
export function costOf(platform: PlatformId, stream: string): number {
  return CONNECTORS.get(platform)?.streams.find(({ name }) => name === stream)?.typicalCost ?? 1;
}
