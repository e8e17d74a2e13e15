// Sealed rows of many users for tests of key rotation, made by the product's own sealer, and loops that do with them what syncs
// do: open what is stored, and now and then store a newer one.

import { takeLease } from './refresh-world.ts';
import type { TestDatabase } from './postgres.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Database } from '../../src/db/database.ts';
import { loadCredential, replaceCredential, type NewCredential } from '../../src/store/credentials.ts';
import { putOAuthApp } from '../../src/store/oauth-apps.ts';
import {
  createCredentialVault,
  oauthAppContext,
  sealCredential,
  type CredentialVault,
} from '../../src/sync/credential-vault.ts';
import type { Sealer } from '../../src/vault/sealer.ts';
import type { Opener } from '../../src/vault/opener.ts';

export interface Account {
  readonly userId: string;
  readonly integrationId: string;
}

/** The credential of this account and version: what opens must be this. */
export const valueOf = ({ integrationId }: Account, version: number): Record<string, string> => ({
  access_token: `access-${integrationId}-${version}`,
  refresh_token: `refresh-${integrationId}-${version}`,
  expires_at: '2030-01-01T00:00:00.000Z',
});

export function sealFor(sealer: Sealer, account: Account, version: number): NewCredential {
  const value = new Secret<unknown>(valueOf(account, version));
  return sealCredential(sealer, { ...account, version, expiresAt: null }, value, 'upwork');
}

/** As many users, each with one connected account, its sealed credential and a sealed record in quarantine; one OAuth app. */
export async function seedSealed(database: TestDatabase, sealer: Sealer, count: number): Promise<readonly Account[]> {
  const accounts = Array.from({ length: count }, () => ({ userId: uuidv7(), integrationId: uuidv7() }));
  const sealed = accounts.map((account) => sealFor(sealer, account, 1));
  const users = accounts.map(({ userId }) => userId);
  const integrations = accounts.map(({ integrationId }) => integrationId);
  // It reads the server's list of zones for each row: half a minute for 2,000 users.
  await database.asSuperuser('alter table users disable trigger users_timezone');
  await database.asSuperuser(
    `insert into users (id, email, name) select id, id || '@example.test', 'Ada' from unnest($1::uuid[]) as id`,
    [users],
  );
  await database.asSuperuser('alter table users enable trigger users_timezone');
  await database.asSuperuser(
    `insert into integrations (id, user_id, platform_id, status)
     select id, user_id, 'upwork', 'connected' from unnest($1::uuid[], $2::uuid[]) as u (id, user_id)`,
    [integrations, users],
  );
  const columns = [sealed.map((one) => one.ciphertext), sealed.map((one) => one.wrappedKey)];
  const keyId = sealed[0]?.keyId;
  await database.asSuperuser(
    `insert into integration_credentials (integration_id, user_id, ciphertext, wrapped_key, key_id, version)
     select id, user_id, ciphertext, wrapped_key, $5, 1
     from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[]) as u (id, user_id, ciphertext, wrapped_key)`,
    [integrations, users, ...columns, keyId],
  );
  await database.asSuperuser(
    `insert into sync_quarantine (user_id, integration_id, stream, reason_code, reason, ciphertext, wrapped_key, key_id, version)
     select user_id, id, 'jobs', 'shape', 'odd', ciphertext, wrapped_key, $5, 1
     from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[]) as u (id, user_id, ciphertext, wrapped_key)`,
    [integrations, users, ...columns, keyId],
  );
  const app = sealer.seal(new Secret('app-secret'), oauthAppContext('upwork', 1));
  await database
    .open('tidemark_api', 1)
    .tx({ kind: 'ops' }, (tx) => putOAuthApp(tx, { ...app, platform: 'upwork', clientId: 'app', version: 1 }));
  return accounts;
}

export interface SyncLoop {
  readonly opened: () => number;
  readonly refreshed: () => number;
  /** Ends it after the account in hand; throws what went wrong on the way. */
  stop(): Promise<void>;
}

/** Opens the accounts one after the other, again and again, and replaces every fourth by its next version. */
export async function startSyncs(
  database: TestDatabase,
  worker: Database,
  { sealer, opener }: { readonly sealer: Sealer; readonly opener: Opener },
  accounts: readonly Account[],
): Promise<SyncLoop> {
  const vault = createCredentialVault(sealer, opener);
  const leased: { account: Account; token: string }[] = [];
  for (const account of accounts)
    leased.push({ account, token: (await takeLease(database, worker, account)).leaseToken });
  const counts = { opened: 0, refreshed: 0 };
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      const { account, token } = leased[turn % leased.length]!;
      const next = turn % 4 === 3 ? sealer : null;
      if (await openOne({ worker, vault, token, account }, next)) counts.refreshed++;
      counts.opened++;
    }
  };
  const ended = run();
  // Rethrown by `stop`.
  ended.catch(() => undefined);
  return {
    opened: () => counts.opened,
    refreshed: () => counts.refreshed,
    async stop() {
      stopping.abort();
      await ended;
      await database.asSuperuser(`update workers set status = 'stopped', stopped_at = now() where hostname = 'test'`);
    },
  };
}

interface Opening {
  readonly worker: Database;
  readonly vault: CredentialVault;
  readonly token: string;
  readonly account: Account;
}

/** Opens what is stored and compares it with what must be there; with a sealer, stores the version after it. */
export async function openOne({ worker, vault, token, account }: Opening, next: Sealer | null): Promise<boolean> {
  const scope = { kind: 'lease', token } as const;
  const stored = await worker.tx(scope, (tx) => loadCredential(tx, account.integrationId));
  if (stored === null) throw new Error(`${account.integrationId} is gone`);
  const { value, version } = vault.open(stored, upwork);
  if (!JSON.stringify(value.reveal()).includes(`"access-${account.integrationId}-${version}"`))
    throw new Error(`${account.integrationId} opened as something else`);
  if (next === null) return false;
  const renewed = sealFor(next, account, version + 1);
  const stands = await worker.tx(scope, (tx) => replaceCredential(tx, renewed));
  if (!stands) throw new Error(`a refresh of ${account.integrationId} was lost`);
  return true;
}
