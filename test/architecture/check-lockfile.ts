// `npm run check:lock`: prints what is wrong with package-lock.json and exits 1, or says that it is sound.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { lockfileProblems } from './lockfile.ts';
import { ROOT } from './source-files.ts';

const problems = lockfileProblems(JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')));
for (const problem of problems) console.error(`package-lock.json: ${problem}`);
if (problems.length === 0) console.log('package-lock.json is sound');
process.exitCode = problems.length === 0 ? 0 : 1;
