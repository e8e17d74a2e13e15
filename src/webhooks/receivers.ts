// The service that listens to accounts: holds this worker's share of them, one loop for each, and lets go of what is not its any
// more. What holds an account is a row with a fence; this process only follows what the rows say.

import { SECOND_MS } from '../core/duration.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Health, Service } from '../lifecycle/service.ts';
import { createLoop } from '../lifecycle/loop.ts';
import { holdReceivers, releaseReceivers, type HeldReceiver } from '../store/event-receivers.ts';
import { receive, type ReceiverDeps } from './receiver.ts';

export interface ReceiversOptions extends ReceiverDeps {
  readonly workerId: string;
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  /** Accounts of one worker; default 1,500. */
  readonly most?: number;
  /** Default 1 s. */
  readonly everyMs?: number;
}

export interface Receivers extends Service {
  /** Accounts that are listened to right now. */
  readonly count: number;
}

interface Running {
  readonly key: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Changes with everything that a loop was begun with, but for what the loop itself changes. */
function keyOf({ fence, wanted, integrationId, settings, credentialVersion }: HeldReceiver): string {
  return canonicalJson({ fence: String(fence), wanted, integrationId, settings, credentialVersion });
}

const nameOf = ({ platform, accountKey }: HeldReceiver): string => `${platform} ${accountKey}`;

const byName = (held: readonly HeldReceiver[]): Map<string, HeldReceiver> =>
  new Map(held.map((one) => [nameOf(one), one]));

export function createReceivers(options: ReceiversOptions): Receivers {
  const { db, workerId, connectors, most = 1_500, everyMs = SECOND_MS, clock, log } = options;
  const platforms = [...connectors.values()].flatMap(({ platform, polling }) => (polling ? [platform] : []));
  const running = new Map<string, Running>();

  async function begin(held: HeldReceiver): Promise<void> {
    const connector = connectors.get(held.platform);
    const polling = connector?.polling;
    if (connector === undefined || polling === undefined) return;
    const name = nameOf(held);
    const stop = new AbortController();
    const ended = receive(options, { held, connector, polling, signal: stop.signal }).finally(() => {
      if (running.get(name)?.ended === ended) running.delete(name);
    });
    running.set(name, { key: keyOf(held), stop, ended });
  }

  /** Stops what rows do not ask for any more, as they ask for it; what they ask for and nobody does. */
  async function compare(): Promise<{ readonly missing: readonly HeldReceiver[]; readonly stopped: number }> {
    const wanted = byName(await holdReceivers(db, workerId, platforms, most));
    const ending: Promise<void>[] = [];
    for (const [name, { key, stop, ended }] of running) {
      const still = wanted.get(name);
      if (still !== undefined && keyOf(still) === key) wanted.delete(name);
      else {
        stop.abort();
        ending.push(ended);
      }
    }
    // Nobody asks for an account while the loop before may still be storing.
    const stopped = (await Promise.all(ending)).length;
    return { missing: [...wanted.values()], stopped };
  }

  async function pass(): Promise<void> {
    let { missing, stopped } = await compare();
    // A loop that ends may still note what it told the platform: rows from before do not say so.
    if (stopped > 0) ({ missing } = await compare());
    for (const one of missing) await begin(one);
  }

  const loop = createLoop({ name: 'receivers', everyMs, pass, log, clock, jitter: 0.2 });
  return {
    name: 'receivers',
    get count() {
      return running.size;
    },
    async start() {
      if (platforms.length > 0) await loop.start();
    },
    async stop() {
      await loop.stop();
      for (const { stop } of running.values()) stop.abort();
      await Promise.all([...running.values()].map(({ ended }) => ended));
      // A database that is away is no reason not to stop: a worker that is gone holds nothing.
      await releaseReceivers(db, workerId).catch((error: unknown) => log.emit('receiver.failed', { error }));
    },
    health: (): Health | Promise<Health> => loop.health?.() ?? { status: 'ok' },
  };
}
