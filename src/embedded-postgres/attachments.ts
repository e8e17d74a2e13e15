// Who uses the embedded server: one small file per use, naming its process. The last one to leave stops the server;
// files of processes that died are swept. Only the holder of the folder's lock may call anything here.

import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { uuidv7 } from '../core/ids.ts';
import { formatIdentity, identityOf, isSameProcess, parseIdentity } from './process-identity.ts';

export interface Attachment {
  /** Takes the file away; true when no other living process is attached. */
  leave(): Promise<boolean>;
}

async function sweep(folder: string): Promise<number> {
  let living = 0;
  for (const name of await readdir(folder)) {
    const identity = parseIdentity(await readFile(path.join(folder, name), 'utf8'));
    if (identity !== undefined && isSameProcess(identity)) living++;
    else await rm(path.join(folder, name), { force: true });
  }
  return living;
}

export async function attach(home: string): Promise<Attachment> {
  const folder = path.join(home, 'attached');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  const own = path.join(folder, `${process.pid}-${uuidv7()}`);
  await writeFile(own, formatIdentity(identityOf(process.pid)));
  return {
    async leave() {
      await rm(own, { force: true });
      return (await sweep(folder)) === 0;
    },
  };
}
