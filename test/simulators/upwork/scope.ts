// What one GraphQL request may see: the account behind the token, the organization in the tenant header, the state and
// the traps. Handed to every resolver; lives as long as the request.

import type { Account, Organization, Posting } from './model.ts';
import type { UpworkState } from './state.ts';
import type { UpworkTraps } from './traps.ts';

export interface Scope {
  readonly account: Account;
  /** From the tenant header; the personal one without it. */
  readonly organization: Organization;
  readonly state: UpworkState;
  readonly traps: UpworkTraps;
  /** Results of recent searches, shared by all requests of a simulator. */
  readonly searches: Map<string, readonly Posting[]>;
  /** Postings to which the account has sent a proposal. */
  appliedPostingIds(): ReadonlySet<string>;
}

export type ScopeParts = Omit<Scope, 'appliedPostingIds'>;

export function createScope(parts: ScopeParts): Scope {
  let applied: ReadonlySet<string> | undefined;
  return {
    ...parts,
    appliedPostingIds() {
      applied ??= new Set(
        [...parts.state.proposals.values()]
          .filter(({ accountId }) => accountId === parts.account.id)
          .map(({ postingId }) => postingId),
      );
      return applied;
    },
  };
}

/** Upwork's text for an instant: `2026-09-15T09:12:00+0000`, whole seconds, no colon in the offset. */
export function platformTime(instant: Date): string {
  return `${instant.toISOString().slice(0, 19)}+0000`;
}
