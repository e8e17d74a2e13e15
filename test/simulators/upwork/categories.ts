// Categories and subcategories of simulated postings. Category names and ids are those widely quoted for Upwork's
// ontology (unverified); subcategory ids are ours. Chosen from a posting's words, so that the same posting always lands in
// the same place.

export interface Subcategory {
  readonly category: string;
  readonly categoryId: string;
  readonly subcategory: string;
  readonly subcategoryId: string;
}

const DEVELOPMENT = { category: 'Web, Mobile & Software Dev', categoryId: '531770282580668418' };
const DATA_SCIENCE = { category: 'Data Science & Analytics', categoryId: '531770282580668420' };
const DESIGN = { category: 'Design & Creative', categoryId: '531770282580668421' };
const MARKETING = { category: 'Sales & Marketing', categoryId: '531770282580668422' };
const NETWORKING = { category: 'IT & Networking', categoryId: '531770282580668419' };
const WRITING = { category: 'Writing', categoryId: '531770282580668423' };

/** First match wins, so the narrow ones come first; the last one takes the rest. */
const RULES: readonly (Subcategory & { readonly words: RegExp })[] = [
  rule(
    DATA_SCIENCE,
    'AI & Machine Learning',
    '801',
    /\b(ai|gpt|openai|llm|machine learning|deep learning|chatbot|neural)\b/i,
  ),
  rule(DATA_SCIENCE, 'Data Extraction', '802', /\b(scraping|data extraction|crawler|etl|data mining)\b/i),
  rule(DEVELOPMENT, 'Game Design & Development', '803', /\b(unity|unreal|game|roblox)\b/i),
  rule(DEVELOPMENT, 'Blockchain & Web3', '804', /\b(solana|ethereum|blockchain|crypto\w*|web3|nft|smart contract)\b/i),
  rule(DEVELOPMENT, 'Mobile Development', '805', /\b(android|ios|flutter|react native|swift|kotlin|mobile app)\b/i),
  rule(
    DEVELOPMENT,
    'Ecommerce Development',
    '806',
    /\b(shopify|woocommerce|magento|ecommerce|e-commerce|bigcommerce)\b/i,
  ),
  rule(DEVELOPMENT, 'CMS Development', '807', /\b(wordpress|webflow|wix|squarespace|elementor|drupal)\b/i),
  rule(
    NETWORKING,
    'DevOps & Cloud',
    '808',
    /\b(aws|amazon web services|azure|kubernetes|docker|devops|terraform|linux)\b/i,
  ),
  rule(DEVELOPMENT, 'Desktop Development', '809', /(\.net|c#|c\+\+|\b(delphi|vba|desktop)\b)/i),
  rule(DEVELOPMENT, 'Back-End Development', '810', /\b(node\.?js|django|laravel|spring|php|golang|ruby|api)\b/i),
  rule(DEVELOPMENT, 'Scripts & Automation', '811', /\b(python|automation|bot|script|excel|zapier)\b/i),
  rule(MARKETING, 'Search & Social', '812', /\b(seo|google ads|analytics|marketing|leads?)\b/i),
  rule(DESIGN, 'Web & App Design', '813', /\b(figma|design|ux|ui|photoshop|logo|illustrator)\b/i),
  rule(WRITING, 'Technical Writing', '814', /\b(writer|writing|documentation|translation)\b/i),
  rule(DEVELOPMENT, 'Web Development', '815', /(?:)/),
];

/** Every subcategory, e.g. to make one saved search each: searches end after 5,000 results. */
export const SUBCATEGORIES: readonly Subcategory[] = RULES.map(withoutWords);

/** Where a posting with this title and these skills belongs. */
export function subcategoryOf(title: string, skills: readonly string[]): Subcategory {
  const text = `${title} ${skills.join(' ')}`;
  return withoutWords(RULES.find(({ words }) => words.test(text))!);
}

function withoutWords({ category, categoryId, subcategory, subcategoryId }: Subcategory): Subcategory {
  return { category, categoryId, subcategory, subcategoryId };
}

function rule(
  parent: Pick<Subcategory, 'category' | 'categoryId'>,
  subcategory: string,
  number: string,
  words: RegExp,
): Subcategory & { readonly words: RegExp } {
  return { ...parent, subcategory, subcategoryId: `531770282589057${number}`, words };
}
