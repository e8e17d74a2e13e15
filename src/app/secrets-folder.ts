// What Tidemark keeps for itself on a machine where nobody configured anything: passwords of the embedded database's
// roles and the vault's keys, in `<data folder>/secrets`, readable by the owner of the process only.

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { DatabaseRole } from '../db/database.ts';
import { createPrivateFile } from '../vault/private-file.ts';

const ROLES = [
  'tidemark_owner',
  'tidemark_api',
  'tidemark_scheduler',
  'tidemark_worker',
  'tidemark_readonly',
  'tidemark_backup',
] as const satisfies readonly DatabaseRole[];

const passwordsSchema = z.record(z.enum(ROLES), z.string().min(16));

export function secretsFolder(dataDir: string): string {
  return path.join(dataDir, 'secrets');
}

export function secretKeysPath(dataDir: string): string {
  return path.join(secretsFolder(dataDir), 'vault-keys.json');
}

export async function ensureSecretsFolder(dataDir: string): Promise<string> {
  const folder = secretsFolder(dataDir);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  return folder;
}

async function readPasswords(file: string): Promise<z.output<typeof passwordsSchema> | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError('config.invalid', `cannot read ${file}`, { cause: error });
  }
  const parsed = passwordsSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new AppError('config.invalid', `expected the passwords of all database roles in ${file}`);
  return parsed.data;
}

/** Passwords of the embedded database's roles; made at first use. */
export async function rolePasswords(dataDir: string): Promise<Readonly<Record<DatabaseRole, Secret>>> {
  const file = path.join(await ensureSecretsFolder(dataDir), 'database-roles.json');
  let passwords = await readPasswords(file);
  if (passwords === null) {
    const fresh = Object.fromEntries(ROLES.map((role) => [role, randomBytes(24).toString('base64url')]));
    await createPrivateFile(file, `${JSON.stringify(fresh, null, 2)}\n`);
    passwords = (await readPasswords(file)) ?? passwordsSchema.parse(fresh);
  }
  return Object.fromEntries(
    Object.entries(passwords).map(([role, password]) => [role, new Secret(password)]),
  ) as Record<DatabaseRole, Secret>;
}
