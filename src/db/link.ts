// What protects the way to the database, seen from this end: where the connection goes, and whether it is encrypted to
// somebody who proved his name. Behind a pooler this is the way to the pooler.

import { Client } from 'pg';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Secret } from '../core/secret.ts';
import { toDatabaseError } from './errors.ts';

export interface DatabaseLink {
  /** On this machine: a socket file, or a loopback address. */
  readonly isLocal: boolean;
  /** IP address of the other end; empty for a socket file. */
  readonly address: string;
  readonly isEncrypted: boolean;
  /** Encrypted, and the other end's certificate was checked. */
  readonly isVerified: boolean;
  /** What the server says of its own end (`pg_stat_ssl`): not encrypted behind a pooler that speaks plainly to it. */
  readonly isServerEncrypted: boolean;
}

const LOOPBACK = /^(::1|(::ffff:)?127\.)/;

/** Opens one connection and closes it again. Throws `db.*`. */
export async function inspectLink(url: Secret): Promise<DatabaseLink> {
  const client = new Client({
    connectionString: url.reveal(),
    application_name: 'tidemark_doctor',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    const { stream } = (client as Client & { readonly connection: { readonly stream: Socket } }).connection;
    const address = stream.remoteAddress ?? '';
    return {
      isLocal: address === '' || LOOPBACK.test(address),
      address,
      isEncrypted: stream instanceof TLSSocket,
      isVerified: stream instanceof TLSSocket && stream.authorized,
      isServerEncrypted: rows[0]?.ssl ?? false,
    };
  } catch (error) {
    throw toDatabaseError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
