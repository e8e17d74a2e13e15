// The anatomy that every background part shares: started once, stopped once, asked for its health. Constructors never
// connect; `start` does, and resolves when the service is ready for work.

export type HealthStatus = 'ok' | 'degraded' | 'down';

export interface Health {
  readonly status: HealthStatus;
  /** One sentence for the operator; required when not `ok`. */
  readonly reason?: string;
}

export interface Service {
  /** Kebab-case, unique in a process: `pgboss-engine`, `scheduler-tick`. */
  readonly name: string;
  /** Resolves when ready. Rejects when it cannot work; it then holds nothing that `stop` would have to release. */
  start(): Promise<void>;
  /** Finishes what is in hand, takes nothing new, releases everything. Safe to call twice and before `start`. */
  stop(): Promise<void>;
  /** Cheap and side-effect free; absent means always healthy while started. */
  health?(): Health | Promise<Health>;
}
