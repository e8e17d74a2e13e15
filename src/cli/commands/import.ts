// tidemark integrations import: a user's own export of his past, beside what the integration receives.

import type { Command } from 'commander';
import { importHistory } from '../../app/import-history.ts';
import { AppError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import type { ImportReport } from '../../ops/import-talk.ts';
import { subcommand, type CommandContext, type Runner } from '../command.ts';
import { table } from '../output.ts';
import { createProgress } from '../progress.ts';

interface ImportFlags {
  readonly file: string;
  readonly timezone?: string;
  readonly dryRun?: true;
}

async function runImport(
  context: CommandContext,
  { file, timezone, dryRun }: ImportFlags,
  [integrationId = '']: readonly string[],
): Promise<void> {
  if (!isUuid(integrationId)) {
    throw new AppError('usage.invalid', `expected the id of an integration, got ${JSON.stringify(integrationId)}`);
  }
  const { output } = context;
  const progress = createProgress('bytes', output);
  try {
    const report = await importHistory(context, {
      integrationId,
      file,
      mode: dryRun ? 'check' : 'store',
      onProgress: (read, total, messages) => progress.update(read, total, `${messages} messages`),
      ...(timezone === undefined ? {} : { timezone }),
    });
    progress.stop();
    output.result({ ...report, dryRun: dryRun === true }, () => {
      for (const line of shown(report)) output.line(line);
    });
  } finally {
    progress.stop();
  }
}

function shown({ importId, counts, problems }: ImportReport): readonly string[] {
  const { talks, messages } = counts;
  const { read, refused, kept, duplicate } = messages;
  const lines =
    importId === null
      ? [
          `would import ${read - refused} of ${read} messages in ${talks.read - talks.refused} talks; nothing was written`,
        ]
      : [
          `${read} messages in ${talks.read} talks (${talks.new} new): ${messages.new} new, ${messages.changed} changed, ` +
            `${messages.unchanged} unchanged, ${kept} left as received, ${duplicate} twice, ${refused} refused`,
        ];
  if (problems.length === 0) return lines;
  const head = refused > problems.length ? `refused, the first ${problems.length}:` : 'refused:';
  return [
    ...lines,
    head,
    table(
      ['where', 'reason'],
      problems.map(({ path, reason }) => [path, reason]),
    ),
  ];
}

/** On the group `integrations`. */
export function registerImport(group: Command, run: Runner): void {
  subcommand(group, 'import <id>', 'import a user’s own export of his past (Telegram Desktop: result.json)')
    .requiredOption('--file <json>', 'the export')
    .option('--timezone <zone>', 'IANA zone of the machine that made it; for exports of before autumn 2021')
    .option('--dry-run', 'read all of it and write nothing')
    .action(run(runImport));
}
