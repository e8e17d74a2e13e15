// The board under a person's hands, with the queue on Postgres.

import { afterAll } from 'vitest';
import { boardSuite } from '../support/board-suite.ts';
import { createBoardWorld } from '../support/board-world.ts';
import { closeBrowser } from '../support/browser.ts';

boardSuite('pgboss-clicks', await createBoardWorld({ postings: 30, proposals: 3 }));
afterAll(closeBrowser);
