// What a connector gets of a credential: the current one, refreshed ahead of its end, and a newer one after a 401. At most
// one refresh per run is asked for by a 401; a credential that is refused right after it was refreshed will not get better.

import { AppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { CredentialAccess } from '../connectors/contract/stream.ts';
import type { OpenCredential } from './credential-vault.ts';
import { openStored } from './open-credential.ts';
import { refreshCredential, requireCredential, type RefreshDeps, type RefreshJob } from './refresh.ts';

/** While the token still lives, a failed refresh ahead of its end is repeated after this long. */
const RETRY_AHEAD_MS = 30_000;

/** Opens the credential on first use; one object serves all requests of a run, at once or one after another. */
export function createCredentialAccess(deps: RefreshDeps, job: RefreshJob): CredentialAccess<unknown> {
  return new RunCredential(deps, job);
}

class RunCredential implements CredentialAccess<unknown> {
  readonly #deps: RefreshDeps;
  readonly #job: RefreshJob;
  /** What all callers share; replaced by whoever notices first that it is over. */
  #held: Promise<OpenCredential> | undefined;
  #renewedOnce = false;
  /** Monotonic instant of the next refresh ahead of time. */
  #aheadFrom = -Infinity;
  /** A person must act: asking the platform again would not help. */
  #dead: AppError | undefined;
  /** Version of each token that was handed out: the same version may be opened twice. */
  readonly #versions = new WeakMap<Secret<unknown>, number>();

  constructor(deps: RefreshDeps, job: RefreshJob) {
    this.#deps = deps;
    this.#job = job;
  }

  async current(): Promise<Secret<unknown>> {
    const mine = this.#hold();
    const credential = await mine;
    if (!this.#wantsRefresh(credential)) return credential.value;
    if (this.#held === mine) this.#held = undefined;
    return (await this.#hold()).value;
  }

  async renew(rejected: Secret<unknown>): Promise<Secret<unknown>> {
    const mine = this.#hold();
    const { value, version } = await mine;
    if (version > (this.#versions.get(rejected) ?? version)) return value;
    // Two requests were refused with the same token: the second one takes what the first one asked for.
    if (this.#held !== undefined && this.#held !== mine) return (await this.#held).value;
    if (this.#renewedOnce)
      throw new AppError('platform.unauthorized', 'the platform refused a credential that was just refreshed');
    this.#renewedOnce = true;
    return (await this.#remember(this.#refresh(version))).value;
  }

  #hold(): Promise<OpenCredential> {
    return this.#held ?? this.#remember(this.#open());
  }

  #remember(next: Promise<OpenCredential>): Promise<OpenCredential> {
    const held = next.then((credential) => {
      this.#versions.set(credential.value, credential.version);
      return credential;
    });
    this.#held = held;
    held.catch(() => {
      if (this.#held === held) this.#held = undefined;
    });
    return held;
  }

  async #open(): Promise<OpenCredential> {
    const stored = await this.#load();
    if (!this.#wantsRefresh(stored)) return stored;
    try {
      return await this.#refresh(stored.version);
    } catch (error) {
      const passes = error instanceof AppError && (error.kind === 'transient' || error.kind === 'rate_limited');
      if (!passes || this.#isOver(stored)) throw error;
      // The token still lives: a token endpoint that is away is no reason to fail a run.
      this.#aheadFrom = this.#deps.clock.mono() + RETRY_AHEAD_MS;
      return stored;
    }
  }

  async #load(): Promise<OpenCredential> {
    const { integrationId, leaseToken } = this.#job;
    const stored = await this.#deps.db.tx({ kind: 'lease', token: leaseToken }, (tx) =>
      requireCredential(tx, integrationId),
    );
    return await openStored(this.#deps, this.#job, stored);
  }

  async #refresh(version: number): Promise<OpenCredential> {
    if (this.#dead !== undefined) throw this.#dead;
    try {
      return await refreshCredential(this.#deps, this.#job, version);
    } catch (error) {
      if (error instanceof AppError && (error.kind === 'auth' || error.kind === 'config')) this.#dead = error;
      throw error;
    }
  }

  #isOver({ expiresAt }: OpenCredential): boolean {
    return expiresAt !== null && expiresAt <= this.#deps.clock.now();
  }

  #wantsRefresh(credential: OpenCredential): boolean {
    const { auth } = this.#job.connector;
    if (auth.kind !== 'oauth2' || credential.expiresAt === null) return false;
    if (this.#isOver(credential)) return true;
    const leftMs = credential.expiresAt.getTime() - this.#deps.clock.now().getTime();
    return leftMs < auth.refreshAheadMs && this.#deps.clock.mono() >= this.#aheadFrom;
  }
}
