// Where platforms send notifications: open to everybody, because they cannot carry a token. What is not there, is not theirs or
// names another account is answered alike, by one query for all of it. What came is neither stored, logged nor quoted.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Push, PushNotice } from '../connectors/contract/push.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import { PLATFORM_IDS, type PlatformId } from '../core/platforms.ts';
import type { Actor } from '../db/database.ts';
import { hintIn } from '../scheduler/hint.ts';
import { findPushTarget } from '../store/push-hints.ts';
import type { ApiDeps } from './call.ts';
import { connectorOrNone } from './connector-or-none.ts';
import { createFolded, type Folded } from './folded.ts';
import type { RateLimits } from './rate-limits.ts';

export interface PushDoorDeps extends Pick<ApiDeps, 'db' | 'queue' | 'clock' | 'log' | 'connectorOf' | 'costOf'> {
  readonly limits: RateLimits;
}

const BODY_LIMIT_BYTES = 64 * 1024;
/** Notifications in hand at once: a flood of them is refused before others wait for the database. */
const MAX_IN_HAND = 64;
/** Platforms write their kinds so; anything else may be text of somebody's. */
const PLAIN_KIND = /^[A-Z][A-Z_]{0,60}$/;

interface Door {
  readonly platform: PlatformId;
  readonly push: Push;
}

/** Platforms that send notifications. */
function doorsOf(connectorOf: ApiDeps['connectorOf']): ReadonlyMap<string, Door> {
  const doors = PLATFORM_IDS.flatMap((platform) => {
    const push = connectorOrNone(connectorOf, platform)?.push;
    return push === undefined ? [] : [[platform, { platform, push }] as const];
  });
  return new Map(doors);
}

const nothingHere = (): AppError => new AppError('not_found', 'nothing here takes this notification');

/** One line a minute, however many kinds that nobody knows come in. */
function createUnknownKinds({ log, clock }: PushDoorDeps) {
  let count = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  return (platform: PlatformId, { kind }: PushNotice): void => {
    count += 1;
    if (clock.mono() - saidAt < MINUTE_MS) return;
    log.emit('push.unknown_kind', { platform, kind: PLAIN_KIND.test(kind ?? '') ? kind : null, count });
    saidAt = clock.mono();
    count = 0;
  };
}

interface Receiving extends PushDoorDeps {
  readonly folded: Folded;
}

async function receive(deps: Receiving, door: Door, { params, body }: FastifyRequest): Promise<PushNotice> {
  const { db, queue, clock, costOf, folded } = deps;
  const { platform, push } = door;
  const notice = push.read(body);
  if (notice === null) throw new AppError('input.invalid', 'expected a notification in the form of its platform');
  const { integrationId } = params as { readonly integrationId: string };
  const { accountId, streams } = notice;
  const target = isUuid(integrationId) ? await findPushTarget(db, { integrationId, platform, accountId }) : null;
  if (target === null) throw nothingHere();
  if (streams.length === 0 || !target.canRun) return notice;
  const actor: Actor = { tokenId: null, name: `a notification of ${platform}`, action: 'push' };
  const hint = { integrationId, platformId: platform, streams };
  await folded(`${integrationId} ${streams.join()}`, () =>
    db.tx({ kind: 'user', userId: target.userId, actor }, (tx) =>
      hintIn(tx, { queue, clock, ...(costOf ? { costOf } : {}) }, hint),
    ),
  );
  return notice;
}

export function addPushDoor(app: FastifyInstance, deps: PushDoorDeps): void {
  const { clock, limits } = deps;
  const doors = doorsOf(deps.connectorOf);
  const noteUnknown = createUnknownKinds(deps);
  const receiving = { ...deps, folded: createFolded() };
  let inHand = 0;
  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const at = clock.now();
    const door = doors.get((request.params as { readonly platform: string }).platform);
    if (door === undefined) throw nothingHere();
    if (inHand >= MAX_IN_HAND)
      throw new AppError('api.rate_limited', 'too many notifications at once', { retryAfterMs: SECOND_MS });
    inHand += 1;
    try {
      const notice = await receive(receiving, door, request);
      if (!notice.isKnown) noteUnknown(door.platform, notice);
      return await reply.send(door.push.answer(notice, at));
    } finally {
      inHand -= 1;
    }
  }
  app.post(
    '/webhooks/:platform/:integrationId',
    { bodyLimit: BODY_LIMIT_BYTES, onRequest: (request) => limits.countPush(request) },
    answer,
  );
}
