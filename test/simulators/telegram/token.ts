// Tokens of bots, and how they are kept out of the journal: the token is part of every path.

import type { Random } from '../random.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';
const SECRET_LENGTH = 35;
const LONGEST_TOKEN = 80;
const MAX_BOT_ID = 2 ** 54;
const WELL_FORMED = /^(?<id>[1-9]\d{0,16}):[A-Za-z0-9_-]{24,}$/;

export function mintSecret(random: Random): string {
  return Array.from({ length: SECRET_LENGTH }, () => LETTERS[random.int(0, LETTERS.length - 1)]).join('');
}

/** Whose token this would be; undefined for what cannot be one. */
export function botIdIn(token: string): number | undefined {
  const id = Number(WELL_FORMED.exec(token)?.groups?.['id'] ?? Number.NaN);
  return token.length <= LONGEST_TOKEN && id < MAX_BOT_ID ? id : undefined;
}

/** `/bot123:abc/getMe` → `/bot123:***\/getMe`; what is no token at all is hidden whole. */
export function maskPath(path: string): string {
  return path.replace(/^(?<before>\/(?:file\/)?bot)(?<token>[^/]*)/, (_, before: string, token: string) => {
    const id = botIdIn(decoded(token));
    return `${before}${id === undefined ? '' : `${id}:`}***`;
  });
}

/** A segment of a path as the client meant it; one that cannot be decoded stays as it is. */
export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
