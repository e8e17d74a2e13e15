// What was done and by whom: changes and actions, security events, uses of credentials.

import { z } from 'zod';
import { operation } from './define.ts';
import { id, instant, pageOf, pageQuery } from './words.ts';

const tag = 'audit';
const word = z.string().min(1).max(100);
const details = z.record(z.string(), z.unknown());

export const auditLog = z
  .object({
    id,
    at: instant,
    tokenId: id.nullable(),
    tokenName: z.string().nullable().meta({ description: 'Name of the token, or of the person at a command line' }),
    login: z.string().meta({ description: 'Database role that wrote the row' }),
    action: z.string().meta({ description: '`createUser`: what was asked for; `users.insert`: a row that changed' }),
    reason: z.string().nullable().meta({ description: 'Operation, command or job that changed the row' }),
    target: z.string().nullable(),
    details,
    outcome: z.enum(['done', 'refused', 'failed']),
  })
  .meta({ id: 'AuditLog' });

export const securityLog = z
  .object({
    id,
    at: instant,
    event: z.string(),
    severity: z.enum(['info', 'warning', 'alarm']),
    tokenId: id.nullable(),
    tokenName: z.string().nullable(),
    address: z.string().nullable(),
    login: z.string(),
    details,
  })
  .meta({ id: 'SecurityLog' });

export const credentialOpening = z
  .object({
    seq: z.int().min(1).meta({ description: 'Position in the chain of this integration' }),
    at: instant,
    runId: id.nullable(),
    jobId: id.nullable(),
    workerId: id.nullable(),
    reason: z.enum(['sync', 'test', 'refresh', 'oauth_app', 'rotation', 'exchange', 'receive', 'send']),
    keyId: z.string(),
    version: z.int().min(1),
  })
  .meta({ id: 'CredentialOpening' });

export const trustOperations = {
  listAuditLogs: operation({
    method: 'GET',
    path: '/v1/audit-logs',
    scope: 'admin',
    reach: 'installation',
    tag,
    summary: 'Actions and changes of the control plane, newest first',
    query: z.strictObject({ ...pageQuery, action: word.optional(), target: z.string().min(1).max(500).optional() }),
    answer: pageOf(auditLog),
  }),
  listSecurityLogs: operation({
    method: 'GET',
    path: '/v1/security-logs',
    scope: 'admin',
    reach: 'installation',
    tag,
    summary: 'Sign-ins, refused tokens, locked addresses, tokens and keys, credentials that did not open, newest first',
    query: z.strictObject({
      ...pageQuery,
      event: word.optional(),
      severity: z.enum(['info', 'warning', 'alarm']).optional(),
    }),
    answer: pageOf(securityLog),
  }),
  listCredentialOpenings: operation({
    method: 'GET',
    path: '/v1/integrations/{integrationId}/openings',
    scope: 'admin',
    reach: 'installation',
    tag,
    summary: 'Each use of the credentials of an integration, newest first; also of one that was removed',
    params: z.strictObject({ integrationId: id }),
    query: z.strictObject(pageQuery),
    answer: pageOf(credentialOpening),
  }),
};
