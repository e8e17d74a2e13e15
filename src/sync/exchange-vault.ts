// The sealed parts of an exchange. Each is bound to its user, its exchange and its part: a code that is moved to another exchange
// does not open there.

import type { PlatformId } from '../core/platforms.ts';
import type { Secret } from '../core/secret.ts';
import type { SealedColumns } from '../store/credentials.ts';
import type { ExchangePart } from '../store/exchange-secrets.ts';
import type { Opener } from '../vault/opener.ts';
import type { SealContext, Sealer } from '../vault/sealer.ts';

/** The exchange that a part belongs to. */
export interface ExchangePlace {
  readonly id: string;
  readonly userId: string;
  readonly platformId: PlatformId;
}

const VERSION = 1;

/** No integration need exist yet: the exchange's id stands in its place. */
function contextOf({ id, userId, platformId }: ExchangePlace, part: ExchangePart): SealContext {
  return { purpose: `exchange.${part}`, userId, integrationId: id, platform: platformId, version: VERSION };
}

/** Needs public keys only. */
export function sealPart(sealer: Sealer, place: ExchangePlace, part: ExchangePart, value: Secret): SealedColumns {
  return sealer.seal(value, contextOf(place, part));
}

/** Throws `vault.*`. */
export function openPart(opener: Opener, place: ExchangePlace, part: ExchangePart, sealed: SealedColumns): Secret {
  return opener.open(sealed, contextOf(place, part));
}
