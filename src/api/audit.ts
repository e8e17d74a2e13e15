// An audit row for each call that changes something on an operator's behalf. Bodies never go into it: they may hold
// credentials.

import type { FastifyRequest } from 'fastify';
import { hideOpaqueWords } from '../core/opaque-words.ts';
import { insertAudit, type AuditOutcome } from '../store/audit-logs.ts';
import type { ApiDeps } from './call.ts';
import type { Operation } from './contract/operation.ts';

interface Audited {
  readonly name: string;
  readonly operation: Operation;
}

/** Reading and enqueueing are no operator's actions. */
const isAudited = ({ method, scope }: Operation): boolean =>
  method !== 'GET' && (scope === 'operate' || scope === 'admin');

/** How to say what became of this call; for a call that is not audited it says nothing. */
export function auditOf(
  { db, clock }: Pick<ApiDeps, 'db' | 'clock'>,
  { name, operation }: Audited,
  request: FastifyRequest,
) {
  return async (outcome: AuditOutcome): Promise<void> => {
    if (!isAudited(operation)) return;
    // What fits no id is written down by nobody: it may be a secret in the wrong place.
    const { data = {} } = operation.params.safeParse(request.params);
    const target = hideOpaqueWords(Object.values(data).join('/'));
    await insertAudit(db, {
      at: clock.now(),
      token: request.token,
      action: name,
      target: target === '' ? null : target,
      outcome,
    });
  };
}
