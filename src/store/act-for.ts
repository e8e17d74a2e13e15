// Acting for one user in a transaction that was opened for the operator of all of them.

import type { Tx } from '../db/database.ts';

/** From here to the end of the transaction the rows of this user are there, as in a transaction of his own. */
export async function actFor(tx: Tx, userId: string): Promise<void> {
  await tx.query(`select set_config('app.user_id', $1, true)`, [userId]);
}
