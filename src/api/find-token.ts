// Finds the row of a token, with one question to the database for all requests that bring the same token at the same moment.
// Nothing is remembered longer than that: a revoked token opens nothing any more.

import type { Clock } from '../core/clock.ts';
import type { Database } from '../db/database.ts';
import { useApiToken, type ApiToken } from '../store/api-tokens.ts';
import { hashToken, isToken } from '../vault/token.ts';
import type { FindToken } from './authenticate.ts';

export function createFindToken({ db, clock }: { readonly db: Database; readonly clock: Clock }): FindToken {
  const asked = new Map<string, Promise<ApiToken | null>>();
  return (text) => {
    if (!isToken(text)) return Promise.resolve(null);
    const hash = hashToken(text);
    const key = Buffer.from(hash).toString('base64');
    const known = asked.get(key);
    if (known !== undefined) return known;
    const answer = useApiToken(db, hash, clock.now()).finally(() => asked.delete(key));
    asked.set(key, answer);
    return answer;
  };
}
