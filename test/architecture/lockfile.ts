// What a lockfile must hold so that `npm ci` works on every platform and names no download host.

import { z } from 'zod';

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ resolved: z.string().optional(), optionalDependencies: z.record(z.string(), z.string()).optional() }),
  ),
});

/** Folders in which Node would look for a package that `owner` asks for, nearest first. */
function lookup(owner: string, name: string): string[] {
  const nested = owner === '' ? [] : [`${owner}/node_modules/${name}`];
  const parents = owner.split('node_modules/').slice(0, -1).join('node_modules/');
  return [...nested, `${parents}node_modules/${name}`, `node_modules/${name}`];
}

/** Problems of a parsed `package-lock.json`, one sentence each; none when it is sound. */
export function lockfileProblems(lock: unknown): string[] {
  const { packages } = lockSchema.parse(lock);
  const addresses = Object.entries(packages)
    .filter(([, entry]) => entry.resolved !== undefined && /^https?:/.test(entry.resolved))
    .map(([name]) => `${name} carries a download address: run npm install with omit-lockfile-registry-resolved=true`);
  const missing = Object.entries(packages).flatMap(([owner, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !lookup(owner, name).some((place) => place in packages))
      .map(
        (name) => `${owner || 'the project'} wants ${name}, which is not in the lockfile: pin a release that has it`,
      ),
  );
  return [...addresses, ...missing];
}
