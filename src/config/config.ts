// The settings of a process as one frozen object. Whoever needs a setting takes its group as a parameter; nobody else
// reads the environment.

import type { KeepPolicy } from '../core/keep-policy.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { RetentionLimits } from '../core/retention.ts';
import type { QueueEngine } from '../core/queue-engines.ts';
import type { Secret } from '../core/secret.ts';
import type { LOG_LEVELS } from './process-variables.ts';

/** With `embedded` all addresses are undefined; with `external` all are set, each falling back to `url`. */
export interface DatabaseConfig {
  readonly mode: 'embedded' | 'external';
  /** This process's own login. */
  readonly url: Secret | undefined;
  /** The same without a pooler, for LISTEN. */
  readonly directUrl: Secret | undefined;
  /** Owner of the tables, for migrations. */
  readonly ownerUrl: Secret | undefined;
  readonly readUrl: Secret | undefined;
  /** The scheduler's login when it shares a process with the api. */
  readonly schedulerUrl: Secret | undefined;
}

export interface QueueConfig {
  /** `bullmq` exactly when a Redis is named. */
  readonly engine: QueueEngine;
  readonly redisUrl: Secret | undefined;
  /** Whether a Redis that may evict keys is accepted. */
  readonly allowEviction: boolean;
}

/** What an operator changes in a rate rule; what is absent keeps the rule's own value. */
export interface RateOverride {
  readonly requests?: number | undefined;
  readonly perMs?: number | undefined;
  readonly burst?: number | undefined;
  readonly perDay?: number | undefined;
  readonly interactiveReserve?: number | undefined;
}

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Config {
  readonly database: DatabaseConfig;
  readonly queue: QueueConfig;
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Where browsers reach the server, without a slash at the end. */
    readonly publicUrl: string | undefined;
    /** Addresses or networks whose `X-Forwarded-*` headers are believed. */
    readonly trustedProxies: readonly string[];
    /** Requests of one API token per minute and process; 0: no limit. */
    readonly ratePerMinute: number;
  };
  /** Absolute path. */
  readonly dataDir: string;
  readonly keys: {
    readonly publicKeys: string | undefined;
    /** Absolute path. */
    readonly secretKeysFile: string | undefined;
    /** Absolute path. */
    readonly webhookKeysFile: string;
    readonly backupDays: number;
  };
  readonly egressId: string;
  /** Networks that are not public and may be reached all the same. */
  readonly egressAllow: readonly string[];
  readonly logLevel: LogLevel;
  /** Overrides of official addresses, without trailing slash. */
  readonly baseUrls: Readonly<Partial<Record<PlatformId, string>>>;
  /** By the rule's id: `upwork.api`. */
  readonly limits: Readonly<Record<string, RateOverride>>;
  /** Milliseconds by platform. */
  readonly retention: RetentionLimits;
  readonly keep: KeepPolicy;
  readonly worker: {
    readonly concurrency: number;
    readonly heapMb: number;
    readonly heartbeatMs: number;
    readonly leaseTtlMs: number;
    readonly maxBlockedMs: number;
    readonly sliceMs: number;
  };
  readonly scheduler: { readonly tickMs: number };
  readonly drainMs: number;
}
