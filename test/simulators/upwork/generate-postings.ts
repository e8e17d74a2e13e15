// Makes as many job postings as asked for, the same ones for the same seed, with everything that real ones surprise with:
// long texts, emoji, HTML, NUL characters, missing budgets, renewals, other scripts, endless skill lists, equal titles.

import { createRandom } from '../random.ts';
import type { Random } from '../random.ts';
import { subcategoryOf } from './categories.ts';
import type { Posting } from './model.ts';
import { fixedBudget, hourlyBudget, inventedFacts, postingSkills, wholeSecond } from './posting-facts.ts';

export interface GenerateOptions {
  readonly count: number;
  /** Default 1. */
  readonly seed?: number;
  /** Number of the first posting, to add more later without meeting the old ids. Default 1. */
  readonly firstNumber?: number;
  /** Publication of the newest; the others go back from here, one every 1 to 5 minutes. Default 2026-10-01T12:00Z. */
  readonly newest?: Date;
}

/** `count` postings, oldest first (ids and publication grow together; renewals break that on purpose). */
export function generatePostings({ count, seed = 1, firstNumber = 1, newest = NEWEST }: GenerateOptions): Posting[] {
  const random = createRandom(seed);
  const postings: Posting[] = [];
  let ageMs = 0;
  for (let number = firstNumber + count - 1; number >= firstNumber; number--) {
    postings.push(generatePosting(random, { number, newest, ageMs }));
    ageMs += random.int(60, 300) * 1_000;
  }
  return postings.toReversed();
}

const NEWEST = new Date('2026-10-01T12:00:00Z');
const RENEWED_SHARE = 0.04;

function generatePosting(random: Random, place: { number: number; newest: Date; ageMs: number }): Posting {
  const facts = inventedFacts(random, place);
  const title = titleOf(random);
  const names = random.chance(0.01) ? HUGE_SKILL_LIST : random.sample(SKILLS, random.int(0, 8));
  const renewedMs = place.newest.getTime() - Math.floor(place.ageMs * random.next());
  return {
    ...facts,
    title,
    description: descriptionOf(random, title),
    ...budgetOf(random),
    experienceLevel: random.pick(['ENTRY_LEVEL', 'INTERMEDIATE', 'INTERMEDIATE', 'EXPERT', 'NONE'] as const),
    ...subcategoryOf(title, names),
    renewedAt: random.chance(RENEWED_SHARE) ? wholeSecond(renewedMs) : null,
    skills: postingSkills(names),
  };
}

function budgetOf(random: Random): ReturnType<typeof hourlyBudget> | ReturnType<typeof fixedBudget> {
  if (random.chance(0.4)) {
    return random.chance(0.02)
      ? fixedBudget(1_000_000)
      : fixedBudget(random.int(5, 9_000), random.chance(0.05) ? 'EUR' : 'USD');
  }
  if (random.chance(0.35)) return hourlyBudget(null, null);
  const min = random.int(3, 90);
  return hourlyBudget(min, random.chance(0.1) ? min : min + random.int(1, 60) + 0.5);
}

function titleOf(random: Random): string {
  const plain = `${random.pick(VERBS)} ${random.pick(SKILLS)} ${random.pick(THINGS)}`;
  const kind = random.int(1, 40);
  if (kind === 1) return random.pick(OTHER_SCRIPTS);
  if (kind === 2) return `🚀 ${plain} 🔥 ASAP!!!`;
  if (kind === 3) return `  ${plain}  `;
  if (kind === 4) return `${plain} "urgent" \\ 100% <remote>`;
  return plain;
}

function descriptionOf(random: Random, title: string): string {
  const paragraphs = Array.from({ length: random.chance(0.03) ? 60 : random.int(1, 5) }, () =>
    random.sample(SENTENCES, random.int(2, 6)).join(' '),
  );
  const text = `${title.trim()}.\n\n${paragraphs.join('\n\n')}`;
  const kind = random.int(1, 30);
  // Postgres refuses U+0000 in text: a copied document brings it now and then.
  if (kind === 1) return `${text}\u0000\n— pasted from a PDF\u0000`;
  if (kind === 2) return `<p>${text.replaceAll('\n\n', '</p><p>')}</p><script>alert("x")</script>&nbsp;&amp;`;
  if (kind === 3) return `${text}\n👩🏽‍💻 🇺🇦 ✅ naïve café ﷽ e\u0301 \u202Eright-to-left\u202C`;
  if (kind === 4) return random.pick(OTHER_SCRIPTS).repeat(20);
  // Half a surrogate pair, as a cut emoji leaves it: JSON carries it as an escape.
  if (kind === 5) return `${text} \uD83D`;
  return text;
}

const VERBS = ['Need', 'Fix', 'Build', 'Senior', 'Looking for', 'Migrate to', 'Long-term'] as const;
const THINGS = ['developer', 'expert needed', 'web app', 'integration', 'dashboard', 'bug', 'store', 'MVP'] as const;
const SKILLS = [
  'TypeScript',
  'Node.js',
  'React',
  'PostgreSQL',
  'Python',
  'Shopify',
  'WordPress',
  'Figma',
  'C#',
  '.NET Framework',
  'Flutter',
  'Amazon Web Services',
  'Web Design',
  'SEO',
  'API Integration',
  'Data Scraping',
  'OpenAI',
  'Laravel',
  'Unity',
  'Technical Writing',
] as const;
const HUGE_SKILL_LIST: readonly string[] = Array.from({ length: 250 }, (_, index) => `Rare Skill ${index + 1}`);
const OTHER_SCRIPTS = [
  'Нужен разработчик интернет-магазина на Битрикс',
  '需要一位熟悉支付接口的后端工程师',
  'مطلوب مصمم واجهات مستخدم',
  'ต้องการนักพัฒนาเว็บไซต์',
  'דרוש מפתח אפליקציות',
  '電子商取引サイトの改修をお願いします',
] as const;
const SENTENCES = [
  'We have an existing product with about 40,000 users.',
  'The work starts as soon as we agree on the milestones.',
  'Please write "blue whale" first, so that we know you read this.',
  'You will join a team of four in two time zones.',
  'Tests are not optional; we review every change.',
  'The budget is a first idea and may change with your proposal.',
  "Don't apply with a template; agencies are welcome.",
  'Attached is a screenshot of what we have today (see https://example.test/a?b=1&c=2).',
  'Payment is weekly, and a bonus is possible.',
  'Experience with reporting, exports and long-running jobs helps.',
] as const;
