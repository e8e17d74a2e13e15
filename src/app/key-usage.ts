// What each key of the vault is to this installation: whether it seals or only opens, what is sealed to it, and which living
// workers hold it.

import type { Config } from '../config/config.ts';
import type { Database } from '../db/database.ts';
import { listKeyHolders, type KeyHolder } from '../store/worker-keys.ts';
import { SILENT_MS } from '../store/workers.ts';
import { keyUsage, listRetiredKeys, type KeyUsage, type SealedTable } from '../store/wrapped-keys.ts';
import { keysStatus } from '../vault/status.ts';
import { heldSecretKeys, loadPublicKeys } from './keys.ts';

/** As the database tells. */
export interface KeyFacts {
  readonly usage: readonly KeyUsage[];
  readonly retired: readonly string[];
  readonly holders: readonly KeyHolder[];
}

export interface KeySummary {
  readonly id: string;
  readonly current: boolean;
  /** Whether its public half is among those of this machine. */
  readonly seals: boolean;
  /** Whether its secret half is on this machine. */
  readonly opens: boolean;
  readonly state: 'current' | 'older' | 'retired';
  /** Null: this login may not know. */
  readonly rows: Readonly<Partial<Record<SealedTable, number>>> | null;
  readonly workers: readonly string[] | null;
}

export async function readKeyFacts(worker: Database): Promise<KeyFacts> {
  return {
    usage: await keyUsage(worker),
    retired: await listRetiredKeys(worker),
    holders: await listKeyHolders(worker, SILENT_MS),
  };
}

/** Keys of this machine, the current one first, then those that only the database knows. */
export async function summarizeKeys(config: Config, facts: KeyFacts | null): Promise<readonly KeySummary[]> {
  const here = keysStatus(await loadPublicKeys(config), await heldSecretKeys(config));
  const known = here.map(({ id }) => id);
  const elsewhere = new Set([...(facts?.usage ?? []).map(({ keyId }) => keyId), ...(facts?.retired ?? [])]);
  const all = [...known, ...[...elsewhere].filter((id) => !known.includes(id))];
  return all.map((id) => {
    const status = here.find((key) => key.id === id);
    const current = status?.isCurrent === true;
    const isRetired = facts?.retired.includes(id) === true;
    return {
      id,
      current,
      seals: status?.isListed === true && !isRetired,
      opens: status?.isSecretHeld === true,
      state: isRetired ? 'retired' : current ? 'current' : 'older',
      rows:
        facts && Object.fromEntries(facts.usage.filter((use) => use.keyId === id).map((use) => [use.table, use.rows])),
      workers:
        facts &&
        facts.holders
          .filter(({ keyIds }) => keyIds.includes(id))
          .map(({ hostname, pid, sealsTo }) => `${hostname} (${pid})${sealsTo === id ? '*' : ''}`),
    };
  });
}
