// Changing a user. Another zone moves his facts to other days and another currency changes what they are worth, so his days
// are computed again.

import type { Tx } from '../db/database.ts';
import { DAY_MODEL } from '../rollups/definitions.ts';
import { markFactDays } from '../store/fact-days.ts';
import { lockTimezone } from '../store/hold-timezone.ts';
import { changeUser as store, findUser, type User } from '../store/users.ts';

export type UserChange = Partial<Pick<User, 'name' | 'timezone' | 'reportingCurrency' | 'isActive'>>;

/** Null: no such user. Throws `input.invalid`. */
export async function changeUser(tx: Tx, id: string, change: UserChange): Promise<User | null> {
  if (change.timezone !== undefined) await lockTimezone(tx, id);
  const before = await findUser(tx, id);
  if (before === null) return null;
  const wanted = { ...before, ...change };
  // Sealed days too: facts of theirs that are still there move to other days.
  const isMoved = wanted.timezone !== before.timezone;
  if (isMoved) await markFactDays(tx, { userId: id }, 'facts', DAY_MODEL);
  const after = await store(tx, wanted);
  if (isMoved || after.reportingCurrency !== before.reportingCurrency)
    await markFactDays(tx, { userId: id }, 'computed', DAY_MODEL);
  return after;
}
