// Who uses the embedded server: one small file per process. The last one to leave stops the server; files of processes
// that died are swept.

import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { uuidv7 } from '../core/ids.ts';
import { isAlive } from './postmaster.ts';

export interface Attachment {
  /** Takes the file away; true when no other living process is attached. */
  leave(): Promise<boolean>;
}

export async function attach(dataDir: string): Promise<Attachment> {
  const folder = path.join(dataDir, 'attached');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  const own = `${process.pid}-${uuidv7()}`;
  await writeFile(path.join(folder, own), '');
  return {
    async leave() {
      await rm(path.join(folder, own), { force: true });
      const others = await readdir(folder);
      const dead = others.filter((name) => !isAlive(Number(name.split('-')[0])));
      await Promise.all(dead.map((name) => rm(path.join(folder, name), { force: true })));
      return others.length === dead.length;
    },
  };
}
