// The doctor's look at the queue engine: is it the recorded one, does it answer, and does it keep what it is given.

import type { Config } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { toAppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { engineMismatch, readEngine } from '../store/settings.ts';
import { silentLog } from '../telemetry/event-log.ts';
import type { RedisFacts } from '../../queues/drivers/bullmq/facts.ts';
import { isTooOld, mayEvict, OLDEST_VERSION } from '../../queues/drivers/bullmq/preflight.ts';
import type { Finding } from './check.ts';
import { openEngine } from './engine.ts';
import type { DatabaseSession } from './session.ts';

/** From worst to best; the first that applies to any of the servers is the finding's. */
function judge(servers: readonly RedisFacts[], allowEviction: boolean): Pick<Finding, 'status' | 'advice'> {
  if (servers.some(isTooOld)) return { status: 'failed', advice: `Tidemark needs Redis ${OLDEST_VERSION} or later` };
  if (servers.some(mayEvict)) {
    return {
      status: allowEviction ? 'weak' : 'failed',
      advice: 'it may drop jobs without a word when memory is short: set maxmemory-policy noeviction',
    };
  }
  if (servers.some(({ appendOnly, snapshots }) => !appendOnly && snapshots === false)) {
    return {
      status: 'weak',
      advice:
        'it keeps nothing over a restart: jobs of the ledger come back by themselves, jobs added by Queue.add do not; ' +
        'set appendonly yes',
    };
  }
  return { status: 'ok' };
}

function describe({ version, evictionPolicy, appendOnly, snapshots }: RedisFacts): string {
  const kept = [...(appendOnly ? ['AOF'] : []), ...(snapshots === true ? ['RDB'] : [])].join(' and ');
  const unknown = snapshots === null ? 'AOF off, RDB unknown' : 'no persistence';
  return [`Redis ${version}`, evictionPolicy || 'eviction policy unknown', kept || unknown].join(', ');
}

async function checkRedis(url: Secret, allowEviction: boolean): Promise<Finding> {
  const { readRedisFacts } = await import('../../queues/drivers/bullmq/facts.ts');
  const servers = await readRedisFacts(url);
  const verdict = judge(servers, allowEviction);
  return { ...verdict, finding: `BullMQ on ${[...new Set(servers.map(describe))].join('; ')}` };
}

/** Starting the engine looks at its schema, or at its server. */
async function checkStart(config: Config, { api }: DatabaseSession): Promise<void> {
  const { driver } = await openEngine({ config, db: api, clock: systemClock, log: silentLog });
  await driver.start();
  await driver.stop();
}

export async function checkEngine(config: Config, session: DatabaseSession): Promise<Finding> {
  const { engine, redisUrl, allowEviction } = config.queue;
  const recorded = await readEngine(session.api);
  if (recorded !== null && recorded !== engine)
    return { status: 'failed', finding: engineMismatch(recorded, engine).message };
  if (redisUrl === undefined) {
    await checkStart(config, session);
    return { status: 'ok', finding: 'pg-boss in PostgreSQL' };
  }
  try {
    const finding = await checkRedis(redisUrl, allowEviction);
    if (finding.status !== 'failed') await checkStart(config, session);
    return finding;
  } catch (error) {
    const { message, code } = toAppError(error);
    const advice = 'is Redis up, may this machine reach it, and is the login in REDIS_URL right?';
    return { status: 'failed', finding: `${message} [${code}]`, advice };
  }
}
