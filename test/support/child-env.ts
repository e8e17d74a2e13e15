// What every process that a test starts gets of this one's environment, and nothing else of it: where programs are, and a
// place where Node keeps what it compiled. Half of the time that a short command takes is compiling.

import { tmpdir } from 'node:os';
import path from 'node:path';

export const CHILD_ENV: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  // Each user his own: a folder that root made is closed to others.
  NODE_COMPILE_CACHE: path.join(tmpdir(), `tidemark-compiled-${process.getuid?.() ?? 0}`),
};
