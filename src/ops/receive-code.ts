// A user has come back from the platform: the state is spent, whatever he brings is sealed or noted, and a worker is told. Needs
// public keys only; the code is in no row, job or message in the clear.

import type { JobQueue } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { Tx } from '../db/database.ts';
import { insertExchangeSecret } from '../store/exchange-secrets.ts';
import {
  chooseOrganization as noteChoice,
  failExchange,
  receiveExchange,
  type OAuthExchange,
} from '../store/oauth-exchanges.ts';
import { sealPart } from '../sync/exchange-vault.ts';
import type { Sealer } from '../vault/sealer.ts';
import { hashState } from './begin-exchange.ts';

export interface ReceiveDeps {
  readonly queue: Pick<JobQueue, 'enqueue'>;
  readonly clock: Clock;
  readonly sealer: Sealer;
}

export interface Returned {
  readonly platform: string;
  readonly state: string;
  /** Null: he comes without one. */
  readonly code: Secret | null;
  /** Why, in the platform's word. */
  readonly error: string;
}

/** Words of RFC 6749 4.1.2.1; anything else may be a secret in the wrong place. */
const PLAIN_WORD = /^[a-z_]{1,50}$/;

/** `after`: the job behind a choice is another one, because the first may not have been settled yet. */
async function enqueueExchange(
  tx: Tx,
  queue: ReceiveDeps['queue'],
  { id, userId }: OAuthExchange,
  after: 'consent' | 'choice',
): Promise<void> {
  const uniqueKey = `${id}:${after}`;
  await queue.enqueue(
    { kind: 'oauth.exchange', payload: { exchangeId: id }, uniqueKey, userId, workClass: 'interactive' },
    { tx },
  );
}

/** Null: nobody waits for this state, or no longer. */
export async function receiveCode(
  tx: Tx,
  { queue, clock, sealer }: ReceiveDeps,
  { platform, state, code, error }: Returned,
): Promise<OAuthExchange | null> {
  const now = clock.now();
  const exchange = await receiveExchange(tx, { stateHash: hashState(state), platform, now });
  if (exchange === null) return null;
  const { id, userId } = exchange;
  if (code === null) {
    const word = PLAIN_WORD.test(error) ? error : 'an unknown reason';
    const message = `the platform sent its user back without a code: ${word}`;
    await failExchange(tx, { id, now, error: { code: 'oauth.denied', message } });
    return { ...exchange, status: 'failed', errorCode: 'oauth.denied', errorMessage: message };
  }
  await insertExchangeSecret(tx, { exchangeId: id, userId }, 'code', sealPart(sealer, exchange, 'code', code));
  await enqueueExchange(tx, queue, exchange, 'consent');
  return exchange;
}

/** Throws `oauth.organization_unknown`, and `api.conflict` when the exchange does not wait for a choice. */
export async function chooseOrganization(
  tx: Tx,
  { queue, clock }: Pick<ReceiveDeps, 'queue' | 'clock'>,
  exchange: OAuthExchange,
  organizationId: string,
): Promise<void> {
  const { id, organizations } = exchange;
  const isOffered = organizations.some((organization) => organization.id === organizationId);
  if (exchange.status === 'choosing' && !isOffered)
    throw new AppError(
      'oauth.organization_unknown',
      `expected one of ${organizations.map((organization) => organization.id).join(', ')}`,
    );
  if (!(await noteChoice(tx, { id, organizationId, now: clock.now() })))
    throw new AppError('api.conflict', `expected an exchange that waits for a choice, this one is ${exchange.status}`);
  await enqueueExchange(tx, queue, exchange, 'choice');
}
