// tidemark engine: which queue engine the installation runs on, and the switch to the other one. It opens the database
// alone: it must work where every other command is refused because another engine is configured.

import { engineStatus, runSwitch, type EngineStatus } from '../../app/engine-switch.ts';
import { openDatabaseSession, type DatabaseSession } from '../../app/session.ts';
import { SECOND_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { isQueueEngine, QUEUE_ENGINES, type QueueEngine } from '../../core/queue-engines.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { wholeNumber } from '../input.ts';
import { facts, type Output } from '../output.ts';
import { createProgress, type Progress } from '../progress.ts';
import type { SwitchProgress, SwitchStep } from '../../../queues/switch-engine.ts';

async function withDatabase<T>(
  { config, log, signal, command }: CommandContext,
  work: (session: DatabaseSession) => Promise<T>,
): Promise<T> {
  const session = await openDatabaseSession({ config, log, signal, command });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

function shownWorkers({ workers }: EngineStatus): string {
  return workers.map(({ engine, alive }) => `${alive} on ${engine ?? 'an unknown engine'}`).join(', ') || 'none';
}

async function status(context: CommandContext): Promise<void> {
  const { output, config } = context;
  const found = await withDatabase(context, (session) => engineStatus(config, session));
  output.result(found, () => {
    const { recorded, configured, ledger } = found;
    const jobs = Object.entries(ledger).map(([state, count]) => `${count} ${state}`);
    output.line(
      facts({
        recorded: recorded ?? 'none yet: the first process or command records its own',
        configured: `${configured} (REDIS_URL is ${configured === 'bullmq' ? 'set' : 'not set'})`,
        'workers alive': shownWorkers(found),
        'jobs in the ledger': jobs.join(', '),
      }),
    );
    if (recorded !== null && recorded !== configured)
      output.line(`\nthey differ: with this configuration every process ends with code 2`);
  });
}

function toEngine(name: string): QueueEngine {
  if (isQueueEngine(name)) return name;
  throw new AppError('usage.invalid', `expected an engine of ${QUEUE_ENGINES.join(', ')}, got ${JSON.stringify(name)}`);
}

const NEXT: Readonly<Record<QueueEngine, string>> = {
  bullmq: 'start every process with REDIS_URL',
  pgboss: 'start every process without REDIS_URL',
};

/** One bar after the other; a wait that nobody can count is told once. */
function createSteps(output: Output) {
  let current: { readonly step: SwitchStep; readonly bar: Progress } | undefined;
  let told = false;
  return {
    show({ step, done, total, note }: SwitchProgress): void {
      if (total === null) {
        if (!told) output.note(note);
        told = true;
        return;
      }
      if (current?.step !== step) {
        current?.bar.stop();
        current = { step, bar: createProgress(`  ${step}`, output) };
      }
      current.bar.update(done, total, note);
    },
    stop: (): void => current?.bar.stop(),
  };
}

async function change(
  context: CommandContext,
  { timeout }: { readonly timeout: string },
  [name = '']: readonly string[],
): Promise<void> {
  const { output, config, log, signal } = context;
  const target = toEngine(name);
  const timeoutMs = wholeNumber(timeout, '--timeout', { min: 1, max: 86_400 }) * SECOND_MS;
  const steps = createSteps(output);
  const moved = await withDatabase(context, async (session) => {
    try {
      return await runSwitch({
        config,
        session,
        target,
        timeoutMs,
        log,
        signal,
        onProgress: (progress) => steps.show(progress),
      });
    } finally {
      steps.stop();
    }
  });
  output.result({ engine: target, moved }, () => {
    const { ledgered, derived, native, dead, left } = moved;
    output.line(
      `the queue runs on ${target} now; moved ${ledgered + derived + native} jobs and ${dead} dead letters` +
        (left === 0 ? '' : `; ${left} jobs stayed behind`),
    );
    output.line(`the history of ended jobs stays in the old engine\nnext: ${NEXT[target]}`);
  });
}

export const registerEngine: Registration = (program, run) => {
  const engine = subcommand(program, 'engine', 'the queue engine: recorded, configured, workers, jobs').action(
    run(status),
  );
  subcommand(engine, 'switch <engine>', `move the queue to ${QUEUE_ENGINES.join(' or ')}; needs REDIS_URL either way`)
    .option('--timeout <seconds>', 'how long to wait for the workers of the old engine', '60')
    .action(run(change));
};
