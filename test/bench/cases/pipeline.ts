// The whole page path of one worker: HTTP, JSON, validation, commit; beside the same pages that are in memory already.
// And its memory over many records.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { BenchCase } from '../bench-case.ts';
import { median, medianRatio, perSecond } from '../measure.ts';
import type { PipelineOrder, PipelineResult } from '../processes/pipeline-worker.ts';
import { PAGE_ROWS, servePages } from '../static-pages.ts';

/** The next message; throws when the process ends instead. */
async function hear(child: ChildProcess): Promise<unknown> {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    const ended = once(child, 'exit', { signal }).then(() => Promise.reject(new Error('the worker ended by itself')));
    const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [unknown];
    return message;
  } finally {
    waiting.abort();
  }
}

async function order(child: ChildProcess, what: PipelineOrder): Promise<PipelineResult> {
  child.send(what);
  return (await hear(child)) as PipelineResult;
}

export const pipeline: BenchCase = {
  name: 'pipeline',
  async run(world, { quick, note }) {
    const database = await world.createDatabase();
    const server = await servePages();
    const file = new URL('../processes/pipeline-worker.ts', import.meta.url);
    const address = [database.urlOf('tidemark_worker'), database.superuserUrl, server.address];
    const child = fork(file, address, { execArgv: ['--expose-gc'] });
    try {
      await hear(child);
      const [pages, rounds, long] = quick ? [10, 3, 60] : [40, 5, 2_000];
      const [http, memory]: [number[], number[]] = [[], []];
      const rate = async (source: PipelineOrder['source']): Promise<number> => {
        const { ms } = await order(child, { source, from: 0, pages });
        await database.asSuperuser('truncate jobs cascade');
        return perSecond(pages * PAGE_ROWS, ms);
      };
      for (let round = 0; round < rounds; round++) {
        note(`round ${round + 1} of ${rounds}`);
        const rates = [await rate('http'), await rate('memory')] as const;
        // The first round warms caches and the compiler.
        if (round === 0) continue;
        http.push(rates[0]);
        memory.push(rates[1]);
      }
      note(`${long * PAGE_ROWS} records for memory`);
      const { ms, rss } = await order(child, { source: 'http', from: 0, pages: long });
      return [
        {
          name: 'pipeline, HTTP to commit',
          unit: 'rows/s',
          ours: median(http),
          reference: median(memory),
          ratio: medianRatio(http, memory),
          target: { of: 'ratio', atLeast: 0.77 },
          details: { reference: 'parse, validate and commit of pages in memory', pages, pageRows: PAGE_ROWS },
        },
        {
          name: `pipeline, memory over ${long * PAGE_ROWS} records`,
          unit: 'MB RSS',
          ours: rss.peak,
          reference: rss.before,
          ratio: rss.before / rss.peak,
          target: { of: 'ours', atMost: 250 },
          details: { reference: 'before, warm', ...rss, rowsPerSecond: perSecond(long * PAGE_ROWS, ms) },
        },
      ];
    } finally {
      child.kill();
      await server.close();
      await database.drop();
    }
  },
};
