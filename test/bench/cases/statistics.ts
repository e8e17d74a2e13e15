// A backfill of a marketplace's statistics: answers of 80,000 rows, read while they come, parsed, validated and committed by the real
// connector and runner; and the memory of the worker that does it.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { BenchCase } from '../bench-case.ts';
import { perSecond } from '../measure.ts';
import type { StatisticsResult } from '../processes/statistics-worker.ts';
import { createStatisticsServer, FIRST_CHANGE } from '../statistics-server.ts';

export const statistics: BenchCase = {
  name: 'statistics',
  async run(world, { quick, note }) {
    const rows = quick ? 100_000 : 1_000_000;
    const database = await world.createDatabase();
    const server = createStatisticsServer(rows);
    await server.start();
    const file = new URL('../processes/statistics-worker.ts', import.meta.url);
    const address = [
      database.urlOf('tidemark_worker'),
      database.superuserUrl,
      server.baseUrl,
      new Date(FIRST_CHANGE).toISOString(),
    ];
    const child = fork(file, address, { execArgv: ['--expose-gc'] });
    try {
      note(`${rows} rows`);
      const ended = once(child, 'exit').then(() => Promise.reject(new Error('the worker ended by itself')));
      const [result] = (await Promise.race([once(child, 'message'), ended])) as [StatisticsResult];
      if (result.rows !== rows) throw new Error(`expected ${rows} orders, got ${result.rows}`);
      const { ms, rss } = result;
      return [
        {
          name: `statistics, memory over ${rows} rows`,
          unit: 'MB RSS',
          ours: rss.peak,
          reference: rss.before,
          ratio: rss.before / rss.peak,
          target: { of: 'ours', atMost: 250 },
          details: { reference: 'before the run', ...rss, rowsPerSecond: perSecond(rows, ms) },
        },
      ];
    } finally {
      child.kill();
      await server.stop();
      await database.drop();
    }
  },
};
