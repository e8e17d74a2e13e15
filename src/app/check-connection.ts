// The doctor's look at the way to the database: a pooler and whether LISTEN goes past it, and encryption.

import type { Config } from '../config/config.ts';
import type { Secret } from '../core/secret.ts';
import { inspectLink } from '../db/link.ts';
import { findPooler } from '../db/pooler.ts';
import type { Finding } from './check.ts';

const EMBEDDED: Finding = { status: 'ok', finding: 'embedded PostgreSQL, on this machine alone' };

function addresses({ database }: Config): { readonly url: Secret; readonly direct: Secret } | undefined {
  const { url, directUrl } = database;
  return url === undefined ? undefined : { url, direct: directUrl ?? url };
}

export async function checkPooler(config: Config): Promise<Finding> {
  const given = addresses(config);
  if (given === undefined) return EMBEDDED;
  const mode = await findPooler(given.url);
  if (mode === 'none') return { status: 'ok', finding: 'no pooler between this process and the server' };
  const finding = `DATABASE_URL leads through a pooler in ${mode} mode`;
  if (config.queue.engine === 'bullmq')
    return { status: 'ok', finding: `${finding}; the queue is not announced there` };
  const past = await findPooler(given.direct);
  if (past === 'none') return { status: 'ok', finding: `${finding}; LISTEN goes past it` };
  return {
    status: 'weak',
    finding: `${finding}, and so would LISTEN: new jobs are found by polling`,
    advice: 'set DIRECT_DATABASE_URL to the server itself, with the same login',
  };
}

async function describeWay(name: string, url: Secret): Promise<Finding> {
  const { isLocal, address, isEncrypted, isVerified, isServerEncrypted } = await inspectLink(url);
  if (isLocal) return { status: 'ok', finding: `${name} stays on this machine` };
  const advice = `add sslmode=verify-full to ${name}, and sslrootcert=… for an authority of your own`;
  if (!isEncrypted) return { status: 'weak', finding: `${name} goes to ${address} without TLS`, advice };
  if (!isVerified)
    return { status: 'weak', finding: `${name} goes to ${address} by TLS, to whoever answers there`, advice };
  if (!isServerEncrypted)
    return {
      status: 'weak',
      finding: `${name} goes to ${address} by verified TLS, and from there without`,
      advice: 'switch TLS on between the pooler and the server',
    };
  return { status: 'ok', finding: `${name} goes to ${address} by verified TLS` };
}

export async function checkTls(config: Config): Promise<Finding> {
  const given = addresses(config);
  if (given === undefined) return EMBEDDED;
  const way = await describeWay('DATABASE_URL', given.url);
  if (way.status !== 'ok' || given.direct === given.url) return way;
  const direct = await describeWay('DIRECT_DATABASE_URL', given.direct);
  return direct.status === 'ok' ? { status: 'ok', finding: `${way.finding}, ${direct.finding}` } : direct;
}
