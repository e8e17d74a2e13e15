// Turns a CSV of real postings (`Job Title, Hourly/Fixed, Budget, Level, Skills`) into simulated ones. Only those five
// columns are real: ids, instants, descriptions, clients, categories and counts are derived from the row number and the
// title, the same in every run. The caller names the file; it is read as a stream and never copied.

import { createReadStream } from 'node:fs';

import { createRandom, hashText } from '../random.ts';
import { subcategoryOf } from './categories.ts';
import { readCsv } from './csv.ts';
import type { ExperienceLevel, Posting } from './model.ts';
import { fixedBudget, hourlyBudget, inventedFacts, postingSkills } from './posting-facts.ts';

export interface LoadOptions {
  /** Publication of row 1, the newest; each further row is 2 minutes older. Default 2026-10-01T12:00Z. */
  readonly newest?: Date;
  /** Stop after so many rows. */
  readonly limit?: number;
}

/** Postings in the order of the file. Rejects with the row number when a column does not read as expected. */
export async function* loadPostingsCsv(file: string, options: LoadOptions = {}): AsyncGenerator<Posting> {
  const { newest = new Date('2026-10-01T12:00:00Z'), limit = Infinity } = options;
  let row = 0;
  for await (const columns of readCsv(createReadStream(file, 'utf8'))) {
    if (row === 0) requireHeader(columns, file);
    else yield postingOf(columns, row, newest);
    if (row++ >= limit) return;
  }
}

const HEADER = ['Job Title', 'Hourly/Fixed', 'Budget', 'Level', 'Skills'];
const ROW_AGE_MS = 120_000;

function requireHeader(columns: readonly string[], file: string): void {
  if (columns.join() !== HEADER.join())
    throw new Error(`expected the columns ${HEADER.join()} in ${file}, got ${columns.join()}`);
}

function postingOf(columns: readonly string[], row: number, newest: Date): Posting {
  const [title = '', terms = '', budget = '', level = '', skillList = ''] = columns;
  // Each row has its own generator, so that a limit does not change the rows before it.
  const random = createRandom(hashText(title) ^ row);
  const names = skillNames(skillList);
  return {
    // Numbers count down, so that newer postings have greater ids as on the platform.
    ...inventedFacts(random, { number: 1_000_000 - row, newest, ageMs: (row - 1) * ROW_AGE_MS }),
    title,
    description: `${title}\n\nSkills: ${names.join(', ') || 'not named'}.\nBudget: ${budget.replaceAll(/\s+/g, ' ')}. Row ${row}.`,
    ...budgetOf(terms, budget, row),
    experienceLevel: LEVELS[level] ?? 'NONE',
    ...subcategoryOf(title, names),
    skills: postingSkills(names),
  };
}

const LEVELS: Readonly<Record<string, ExperienceLevel>> = {
  'Entry Level': 'ENTRY_LEVEL',
  Intermediate: 'INTERMEDIATE',
  Expert: 'EXPERT',
};

/** The site cuts long lists and ends them with `+3`: not a skill. */
function skillNames(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !/^\+\d+$/.test(name));
}

/** `Hourly`, `Hourly: $25.00 - $35.00`, or `Fixed price` with a budget `Est. budget:\n$1,000.00`. */
function budgetOf(
  terms: string,
  budget: string,
  row: number,
): ReturnType<typeof hourlyBudget> | ReturnType<typeof fixedBudget> {
  const amounts = [...`${terms} ${budget}`.matchAll(/\$([\d,]+(?:\.\d+)?)/g)].map((match) =>
    Number(match[1]!.replaceAll(',', '')),
  );
  if (terms.startsWith('Hourly')) return hourlyBudget(amounts[0] ?? null, amounts[1] ?? null);
  if (terms === 'Fixed price' && amounts[0] !== undefined) return fixedBudget(amounts[0]);
  throw new Error(`expected Hourly or Fixed price with a budget in row ${row}, got ${JSON.stringify([terms, budget])}`);
}
