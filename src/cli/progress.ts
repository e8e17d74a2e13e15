// How far a long command is: a bar where a terminal can redraw it, a line now and then elsewhere.

import cliProgress from 'cli-progress';
import type { Output } from './output.ts';

export interface Progress {
  /** `total` null: unknown, only the count is shown. */
  update(done: number, total: number | null, note?: string): void;
  stop(): void;
}

/** A line is printed when another tenth is done, and at the end. */
function createLines(title: string, output: Output): Progress {
  let shown = -1;
  return {
    update(done, total, note = '') {
      const tenth = total === null || total === 0 ? Math.floor(Math.log2(done + 1)) : Math.floor((done / total) * 10);
      if (tenth === shown) return;
      shown = tenth;
      const share =
        total === null ? `${done}` : `${done}/${total} (${total === 0 ? 100 : Math.round((done / total) * 100)} %)`;
      output.note(`${title}: ${share}${note === '' ? '' : ` ${note}`}`);
    },
    stop: () => undefined,
  };
}

function createBar(title: string): Progress {
  const bar = new cliProgress.SingleBar(
    {
      format: `${title} {bar} {percentage} % | {value}/{total} {note}`,
      hideCursor: true,
      clearOnComplete: false,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    update(done, total, note = '') {
      const known = total ?? Math.max(done, 1);
      if (!started) bar.start(known, done, { note });
      started = true;
      bar.setTotal(known);
      bar.update(done, { note });
    },
    stop: () => bar.stop(),
  };
}

export function createProgress(title: string, output: Output): Progress {
  return output.interactive && !output.json ? createBar(title) : createLines(title, output);
}
