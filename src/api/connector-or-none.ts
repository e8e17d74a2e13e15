// The connector of a platform that may have none yet.

import type { AnyConnector } from '../connectors/contract/connector.ts';
import { AppError } from '../core/errors.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { ApiDeps } from './call.ts';

export function connectorOrNone(connectorOf: ApiDeps['connectorOf'], platform: PlatformId): AnyConnector | undefined {
  try {
    return connectorOf(platform);
  } catch (error) {
    if (error instanceof AppError && error.code === 'usage.invalid') return undefined;
    throw error;
  }
}
