// Killed workers with the queue on Postgres.

import { killSuite } from '../support/kill-suite.ts';
import { createKillWorld } from '../support/kill-world.ts';

killSuite(await createKillWorld({ postings: 400, proposals: 60 }));
