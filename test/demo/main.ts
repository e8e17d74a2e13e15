// `npm run demo`: the main job, end to end, on this machine alone. A simulated Upwork with real or invented postings, two
// users who share some of them, have a shop each on a simulated Wildberries and Ozon and talk on a simulated Telegram and WhatsApp,
// a first and an incremental sync, messages both ways, daily metrics, and a comparison of source and store row by row. With `--once` it ends there, with exit code 0 only if every check held; without, everything is left running.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openSession } from '../../src/app/session.ts';
import { createOutput } from '../../src/cli/output.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { formatDuration } from '../../src/core/duration.ts';
import { isQueueEngine, QUEUE_ENGINES, type QueueEngine } from '../../src/core/queue-engines.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { sharedFile } from '../simulators/shared-folder.ts';
import { createUpworkSimulator } from '../simulators/upwork/simulator.ts';
import { openEngineStore, type EngineStore } from './engine-store.ts';
import { startInstallation, type Installation } from './platform.ts';
import { printOutcome } from './print.ts';
import { fillPlatform } from './scenario.ts';
import { openShops } from './shops.ts';
import { playStory } from './story.ts';
import { openTalks } from './talks.ts';

const USAGE = 'usage: npm run demo -- [--once] [--json] [--engine pgboss|bullmq]';

interface Options {
  readonly once: boolean;
  readonly json: boolean;
  readonly engine: QueueEngine;
}

function readOptions(): Options | null {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        engine: { type: 'string', default: 'pgboss' },
      },
    });
    const { once, json, engine } = values;
    if (isQueueEngine(engine)) return { once, json, engine };
    throw new Error(`--engine: expected ${QUEUE_ENGINES.join(' or ')}, got ${JSON.stringify(engine)}`);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return null;
  }
}

/** Waits for Ctrl-C or SIGTERM. */
async function untilAsked(): Promise<void> {
  const asked = Promise.withResolvers<void>();
  process.once('SIGINT', asked.resolve).once('SIGTERM', asked.resolve);
  await asked.promise;
}

async function run({ once, json, engine }: Options, store: EngineStore): Promise<number> {
  const startedAt = performance.now();
  const output = createOutput(process, json);
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-demo-'));
  // Started by root, PostgreSQL runs as another user, who must get to its data below this folder.
  await chmod(folder, 0o711);
  const sim = createUpworkSimulator();
  const platforms = await openShops();
  const talks = await openTalks();
  let installation: Installation | undefined;
  try {
    output.note('1/6 filling the simulated Upwork, Wildberries and Ozon');
    const scenario = await fillPlatform(sim, sharedFile('data/upwork_jobs.csv'), new Date());
    await sim.start();
    output.note(`2/6 starting Tidemark with its own PostgreSQL and the queue engine ${engine} (${scenario.source})`);
    installation = await startInstallation(
      folder,
      { ...platforms.baseUrls, ...talks.baseUrls, upwork: sim.baseUrl },
      store.env,
    );
    const log = createLogger({ level: 'warn', role: 'demo', to: 'stderr' });
    const session = await openSession({
      config: loadConfig(installation.env),
      log,
      signal: new AbortController().signal,
      command: 'demo',
    });
    try {
      const outcome = await playStory(
        {
          sim,
          scenario,
          session,
          folder,
          address: installation.address,
          config: loadConfig(installation.env),
          output,
        },
        { shops: platforms.shops, talks: talks.talks },
      );
      const seconds = (performance.now() - startedAt) / 1_000;
      printOutcome(output, { ...outcome, engine, source: scenario.source, seconds });
      output.note(`total ${formatDuration(performance.now() - startedAt)}`);
      if (!once && outcome.ok) {
        output.line(
          `\nEverything is left running; Ctrl-C ends it.\n  queue board  ${installation.address}/queues (sign in with the token)`,
        );
        output.line(
          `  health       ${installation.address}/readyz\n  metrics      curl -H "Authorization: Bearer $TOKEN" ${installation.address}/metrics`,
        );
        output.line(`  log          ${installation.logFile}\n  token        ${outcome.token.reveal()}`);
        await untilAsked();
      }
      return outcome.ok ? 0 : 1;
    } finally {
      await session.close();
    }
  } finally {
    await installation?.stop();
    await sim.stop();
    await platforms.stop();
    await talks.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return 2;
  const store = await openEngineStore(options.engine);
  if ('missing' in store) {
    console.error(store.missing);
    return 2;
  }
  try {
    return await run(options, store);
  } finally {
    await store.stop();
  }
}

process.exit(await main());
