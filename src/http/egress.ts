// Where requests may go: https to the hosts a connector declares, at public addresses only. The address is checked in the
// socket's own lookup, on the very answer that is connected to, so that a name cannot change its mind in between.

import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { AppError } from '../core/errors.ts';
import { redactUrl } from './redact.ts';

/** What one client may reach. */
export interface EgressRights {
  readonly allowedHosts: readonly string[];
  /** Origin of the platform's base URL override: allowed as it is, loopback included. */
  readonly overrideOrigin: string | undefined;
}

export interface EgressPolicy {
  /** Throws `http.egress_denied` for an address outside the rights; what a name resolves to is checked by `lookup`. */
  check(url: URL, rights: EgressRights): void;
  /** For sockets: resolves a name and fails with `http.egress_denied` when any of its addresses is not public. */
  readonly lookup: LookupFunction;
}

/** Services that give a machine's own credentials to whoever asks from it; Azure's looks public and is not. */
const METADATA: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
]);

export interface EgressOptions {
  /** The resolver behind the policy; the system's by default. */
  readonly lookup?: LookupFunction;
  /** Ranges (`10.1.0.0/16`) that names of allowed hosts may resolve to although they are not public. */
  readonly allowedRanges?: readonly string[];
}

export function createEgressPolicy({ lookup = systemLookup, allowedRanges = [] }: EgressOptions = {}): EgressPolicy {
  const ranges = allowedRanges.map((text) => ipaddr.parseCIDR(text));
  return { check, lookup: guarded(lookup, (address) => isPublic(address) || isWithin(address, ranges)) };
}

function check(url: URL, { allowedHosts, overrideOrigin }: EgressRights): void {
  if (url.username !== '' || url.password !== '') throw denied(url, 'an address without credentials');
  if (url.origin === overrideOrigin) return;
  if (url.protocol !== 'https:') throw denied(url, 'https');
  if (url.port !== '') throw denied(url, 'the default port');
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(literal)) throw denied(url, 'a host name, not an IP address');
  if (!allowedHosts.includes(url.hostname)) throw denied(url, `one of ${allowedHosts.join(', ')}`);
}

function guarded(lookup: LookupFunction, mayReach: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error !== null) return callback(error, address, family);
      const refused = addressesOf(address).find((one) => !mayReach(one));
      if (refused === undefined) return callback(null, address, family);
      const message = `expected ${hostname} to be at a public address, got ${refused}`;
      return callback(new AppError('http.egress_denied', message, { details: { host: hostname } }), '');
    });
  };
}

function addressesOf(address: string | LookupAddress[]): string[] {
  return typeof address === 'string' ? [address] : address.map((one) => one.address);
}

type Address = ReturnType<typeof ipaddr.process>;
type Range = ReturnType<typeof ipaddr.parseCIDR>;

/** True for globally routed unicast; an IPv4 address inside IPv6 is judged as what it is. */
export function isPublic(text: string): boolean {
  const address = read(text);
  return address !== undefined && !isMetadata(address) && address.range() === 'unicast';
}

/** A metadata service is never part of a range: it must be named alone. */
function isWithin(text: string, ranges: readonly Range[]): boolean {
  const address = read(text);
  if (address === undefined) return false;
  const single = address.kind() === 'ipv4' ? 32 : 128;
  return ranges.some(([network, bits]) => {
    if (network.kind() !== address.kind()) return false;
    if (isMetadata(address) && bits !== single) return false;
    return address.match(network, bits);
  });
}

/** One form for each address, because one has many: no zone, and IPv4 that is mapped into IPv6 as IPv4. */
function read(text: string): Address | undefined {
  return ipaddr.isValid(text) ? ipaddr.process(text.replace(/%.*$/, '')) : undefined;
}

function isMetadata(address: Address): boolean {
  if (METADATA.has(address.toString())) return true;
  // A gateway from IPv6 to IPv4 (RFC 6052) leads to the same service.
  return address.range() === 'rfc6052' && METADATA.has(address.toByteArray().slice(-4).join('.'));
}

function denied(url: URL, expected: string): AppError {
  return new AppError('http.egress_denied', `expected ${expected}, got ${redactUrl(url)}`, {
    details: { host: url.hostname },
  });
}
