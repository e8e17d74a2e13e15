// SECURITY.md names a test for each thing that somebody cannot do: the tests must be there, and run.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const text = readFileSync(path.join(ROOT, 'SECURITY.md'), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.split('|').length === 7)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, who]) => who !== 'who' && who !== undefined)
  .filter(([, , , , , proof]) => proof?.includes('test/'));

test('every line of the threat model names tests that exist and assert something', () => {
  expect(rows.length).toBeGreaterThan(8);
  for (const [, who = '', , , , proof = ''] of rows) {
    const files = [...proof.matchAll(/`(test\/[\w/.-]+)`/g)].map(([, file]) => file!);
    expect(files.length, who).toBeGreaterThan(0);
    for (const file of files) {
      const source = readFileSync(path.join(ROOT, file), 'utf8');
      expect(source.match(/\bexpect\(/g)?.length ?? 0, file).toBeGreaterThan(0);
    }
  }
});
