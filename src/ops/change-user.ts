// Changing a user. Another zone moves his facts to other days and another currency changes what they are worth, so his days
// are computed again.

import type { Tx } from '../db/database.ts';
import { markComputedDays } from '../store/dirty-days.ts';
import { changeUser as store, findUser, type User } from '../store/users.ts';

export type UserChange = Partial<Pick<User, 'name' | 'timezone' | 'reportingCurrency' | 'isActive'>>;

/** Null: no such user. Throws `input.invalid`. */
export async function changeUser(tx: Tx, id: string, change: UserChange): Promise<User | null> {
  const before = await findUser(tx, id);
  if (before === null) return null;
  const after = await store(tx, { ...before, ...change });
  const isMoved = after.timezone !== before.timezone || after.reportingCurrency !== before.reportingCurrency;
  if (isMoved) await markComputedDays(tx, id);
  return after;
}
