// Browsers that somebody signed in: a random secret in a cookie stands for the token until it is signed out, was away for
// too long, or the token itself ends.

import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { HOUR_MS } from '../core/duration.ts';
import type { Database } from '../db/database.ts';
import type { ApiToken } from '../store/api-tokens.ts';
import { insertSession, removeSession, useSession } from '../store/console-sessions.ts';
import type { FindToken } from './authenticate.ts';

export const SESSION_MS = 12 * HOUR_MS;
const IDLE_MS = 2 * HOUR_MS;

export interface Sessions {
  readonly find: FindToken;
  /** The secret of a new session. */
  start(token: ApiToken): Promise<string>;
  end(secret: string): Promise<void>;
}

const hashOf = (secret: string): Uint8Array => createHash('sha256').update(secret).digest();

export function createSessions({ db, clock }: { readonly db: Database; readonly clock: Clock }): Sessions {
  return {
    async find(secret) {
      const now = clock.now();
      return await useSession(db, hashOf(secret), { now, seenAfter: new Date(now.getTime() - IDLE_MS) });
    },
    async start({ id: tokenId }) {
      const secret = randomBytes(32).toString('base64url');
      const now = clock.now();
      const session = { sessionHash: hashOf(secret), tokenId, now, expiresAt: new Date(now.getTime() + SESSION_MS) };
      await db.tx({ kind: 'none' }, (tx) => insertSession(tx, session));
      return secret;
    },
    async end(secret) {
      await removeSession(db, hashOf(secret));
    },
  };
}
