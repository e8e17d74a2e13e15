// Secrets of no known form, inside text that is not ours: words that look drawn by lot. Hiding one word too many costs a clue,
// hiding one too few costs an account.

const WORD = /\w[\w-]{11,}/g;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Between letters and digits. Names have their digits together: `sync_logs_2026_11`. */
const CHANGE = /(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)/gi;
const MIN_CHANGES = 3;
export const HIDDEN_WORD = '[hidden]';

function isOpaque(word: string): boolean {
  if (UUID.test(word)) return false;
  const letters = word.replaceAll(/[^a-z\d]/gi, '');
  return (letters.match(CHANGE)?.length ?? 0) >= MIN_CHANGES;
}

/** `text` without words that mix letters and digits like a token does; ids of ours (UUIDs) stay. */
export function hideOpaqueWords(text: string): string {
  return text.replaceAll(WORD, (word) => (isOpaque(word) ? HIDDEN_WORD : word));
}
