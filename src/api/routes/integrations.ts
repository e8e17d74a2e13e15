// /v1/integrations: accounts of users on platforms. Credentials go in, are sealed at once, and never come out.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { PlatformId } from '../../core/platforms.ts';
import type { Tx } from '../../db/database.ts';
import { addAccount, parseCredentials, parseSettings, renewAccount, streamsOf } from '../../ops/accounts.ts';
import { grantStateOf } from '../../ops/grant-state.ts';
import { removeIntegration } from '../../ops/remove-integration.ts';
import { testCredential } from '../../ops/test-credential.ts';
import { checkSchedule } from '../../scheduler/next-fire.ts';
import { setSchedules } from '../../scheduler/set-schedule.ts';
import { triggerIn } from '../../scheduler/trigger.ts';
import { findGrant } from '../../store/grants.ts';
import {
  findIntegration,
  listIntegrations,
  pauseIntegration,
  resumeIntegration,
  type Integration,
} from '../../store/integrations.ts';
import { listStreams } from '../../store/streams.ts';
import type { ApiDeps, Handlers } from '../call.ts';
import type { integrationOperations } from '../contract/integrations.ts';
import { decodeCursor, pageOfRows } from '../cursor.ts';
import { redactedReport } from '../../telemetry/redacted.ts';
import { iso, showIntegration, showStream } from '../shown.ts';

type Names = keyof typeof integrationOperations;

const place = z.uuid();
const NO_SCHEDULE = { intervalMinutes: null, cron: null, timezone: null };

export async function requireIntegration(tx: Tx, id: string): Promise<Integration> {
  const found = await findIntegration(tx, id);
  if (found === null) throw new AppError('not_found', `no integration has the id ${id}`);
  return found;
}

/** Making, reading and removing. */
function accountRoutes({
  connectorOf,
  sealer,
  clock,
}: ApiDeps): Handlers<
  'listIntegrations' | 'createIntegration' | 'getIntegration' | 'removeIntegration' | 'replaceCredentials'
> {
  return {
    async listIntegrations({ query: { limit, cursor, platform, ...filter }, inTx }) {
      const after = cursor === undefined ? {} : { after: decodeCursor(cursor, place) };
      const of = platform === undefined ? {} : { platformId: platform as PlatformId };
      const only = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
      const rows = await inTx((tx) => listIntegrations(tx, { ...only, ...of, ...after, limit: limit + 1 }));
      return pageOfRows(rows, limit, { show: showIntegration, place: ({ id }) => id });
    },
    async createIntegration({ body, inTx }) {
      const { platform, credentials, settings, schedule = NO_SCHEDULE, userId, displayName } = body;
      const connector = connectorOf(platform);
      const now = clock.now();
      checkSchedule(schedule, now);
      const account = {
        sealer: await sealer(),
        connector,
        credential: parseCredentials(connector.credential, credentials),
        settings: parseSettings(connector.settings, settings),
        schedule,
        userId,
        displayName,
        now,
      };
      return showIntegration(await inTx((tx) => addAccount(tx, account)));
    },
    async getIntegration({ params: { integrationId }, inTx }) {
      return await inTx(async (tx) => {
        const integration = await requireIntegration(tx, integrationId);
        const streams = await listStreams(tx, integrationId);
        const grant = await findGrant(tx, integrationId);
        const connector = connectorOf(integration.platformId);
        const { grantExpiresAt, reconnect } = grantStateOf(integration, grant, connector, clock.now());
        const shown = { ...showIntegration(integration), streams: streams.map(showStream) };
        return { ...shown, grantExpiresAt: iso(grantExpiresAt), reconnect };
      });
    },
    async removeIntegration({ params: { integrationId }, inTx }) {
      if (!(await inTx((tx) => removeIntegration(tx, integrationId))))
        throw new AppError('not_found', `no integration has the id ${integrationId}`);
    },
    async replaceCredentials({ params: { integrationId }, body, inTx }) {
      const now = clock.now();
      const keys = await sealer();
      const version = await inTx(async (tx) => {
        const integration = await requireIntegration(tx, integrationId);
        const connector = connectorOf(integration.platformId);
        const credential = parseCredentials(connector.credential, body.credentials);
        return await renewAccount(tx, { sealer: keys, connector, credential, integration, now });
      });
      return { version };
    },
  };
}

export function integrationRoutes(deps: ApiDeps): Handlers<Names> {
  const { clock, queue, costOf, connectorOf } = deps;
  return {
    ...accountRoutes(deps),
    async setIntegrationSchedule({ params: { integrationId }, body: schedule, inTx }) {
      return await inTx(async (tx) => {
        const { platformId } = await requireIntegration(tx, integrationId);
        const defaults = streamsOf(connectorOf(platformId));
        await setSchedules(tx, integrationId, { schedule, defaults, now: clock.now() });
        return showIntegration(await requireIntegration(tx, integrationId));
      });
    },
    async pauseIntegration({ params: { integrationId }, inTx }) {
      return await inTx(async (tx) => {
        await requireIntegration(tx, integrationId);
        return { changed: await pauseIntegration(tx, integrationId, clock.now()) };
      });
    },
    async resumeIntegration({ params: { integrationId }, inTx }) {
      return await inTx(async (tx) => {
        await requireIntegration(tx, integrationId);
        return { changed: await resumeIntegration(tx, integrationId, clock.now()) };
      });
    },
    async testIntegration({ params: { integrationId }, inTx, signal }) {
      const { userId } = await inTx((tx) => requireIntegration(tx, integrationId));
      const tested = await testCredential(deps, { integrationId, userId }, signal);
      return { ...tested, error: tested.error === null ? null : redactedReport(tested.error) };
    },
    async syncIntegration({ params: { integrationId }, body: { stream, full }, inTx }) {
      const request = {
        integrationId,
        trigger: 'api' as const,
        ...(stream === undefined ? {} : { stream }),
        ...(full === true ? { syncType: 'full' as const } : {}),
      };
      const { batchId, runs } = await inTx((tx) =>
        triggerIn(tx, { clock, queue, ...(costOf ? { costOf } : {}) }, request),
      );
      return { batchId, runs: [...runs] };
    },
  };
}
