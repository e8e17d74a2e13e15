// Who holds a stream, a claim or a position is the engine's own affair, and an error about it makes a run yield in silence or go
// on at once. A connector hears such errors from its credential and may pass them on; of its own they are not believed.

import type { CredentialAccess } from '../connectors/contract/stream.ts';
import { AppError } from '../core/errors.ts';

export interface OwnAffairs {
  /** The same access; what it throws is the engine's. */
  heard<Credential>(access: CredentialAccess<Credential>): CredentialAccess<Credential>;
  /** The same pages; an error of kind `conflict` that is not the engine's becomes `internal`. */
  checked<P>(pages: AsyncIterable<P>): AsyncIterable<P>;
}

export function createOwnAffairs(): OwnAffairs {
  const ours = new WeakSet<AppError>();
  const hearing = async <T>(asked: Promise<T>): Promise<T> => {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof AppError) ours.add(error);
      throw error;
    }
  };
  return {
    heard: (access) => ({
      current: () => hearing(access.current()),
      renew: (rejected) => hearing(access.renew(rejected)),
    }),
    async *checked(pages) {
      try {
        yield* pages;
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== 'conflict' || ours.has(error)) throw error;
        throw new AppError('internal', `a connector cannot know of ${error.code}: ${error.message}`, { cause: error });
      }
    },
  };
}
