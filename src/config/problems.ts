// What is wrong with an environment, as sentences for the person who wrote it. A secret value is never repeated.

import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { hideOpaqueWords } from '../core/opaque-words.ts';
import { nearestName } from './nearest-name.ts';
import { VARIABLES, type Values, type VariableName } from './schema.ts';
import type { Variable } from './variable.ts';

export interface Problem {
  readonly variable: string;
  readonly expected: string;
  readonly received: string;
}

const PREFIX = 'TIDEMARK_';
const LONGEST_SHOWN = 120;

/** Kubernetes describes a service called `tidemark` to every pod by such variables; they are not addressed to us. */
const SERVICE_LINK = /^TIDEMARK_(?:\w+_)?(?:SERVICE_(?:HOST|PORT\w*)|PORT_\d+_(?:TCP|UDP|SCTP)\w*)$/;

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value));
}

function shown(value: string): string {
  if (/:\/\/[^\s/]*@/.test(value)) return 'an address with credentials, which is not shown';
  return hideOpaqueWords(JSON.stringify(value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value));
}

/** Where inside a structured value it went wrong: ` (upwork.api.requests: …)`. */
function places(issues: readonly z.core.$ZodIssue[]): string {
  const inside = issues
    .filter((issue) => issue.path.length > 0 || issue.code === 'custom' || issue.code === 'unrecognized_keys')
    .map((issue) => [issue.path.join('.'), issue.message].filter((part) => part !== '').join(': '))
    .filter((part) => part !== 'Invalid input');
  return inside.length === 0 ? '' : ` (${inside.join('; ')})`;
}

export function invalidValue(name: VariableName, value: string, issues: readonly z.core.$ZodIssue[]): Problem {
  const { expected, secret }: Variable<unknown> = VARIABLES[name];
  const received = secret ? 'a value that is not shown' : shown(value) + places(issues);
  return { variable: name, expected, received };
}

/** Variables that carry our prefix but mean nothing to us: a misspelt setting must not be silently without effect. */
export function unknownVariables(env: NodeJS.ProcessEnv): Problem[] {
  const known = Object.keys(VARIABLES);
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith(PREFIX) && !known.includes(name) && !isServiceLink(name, value ?? ''))
    .map(([name]) => {
      const near = nearestName(name, known);
      const expected = near === undefined ? 'a variable listed in .env.example' : `${near} (did you mean that?)`;
      return { variable: name, expected, received: 'a name that is not known' };
    });
}

/** Without a main login an embedded database would start, and these would silently mean nothing. */
const BESIDE_DATABASE_URL = ['DIRECT_DATABASE_URL', 'READ_DATABASE_URL', 'SCHEDULER_DATABASE_URL'] as const;

/** Values that are right alone and wrong together. */
export function contradictions(values: Partial<Values>, env: NodeJS.ProcessEnv): Problem[] {
  const problems: Problem[] = [];
  if (!env['DATABASE_URL'] && !env['OWNER_DATABASE_URL']) {
    for (const variable of BESIDE_DATABASE_URL.filter((name) => values[name] !== undefined)) {
      problems.push({ variable, expected: 'DATABASE_URL beside it', received: 'no DATABASE_URL' });
    }
  }
  const { TIDEMARK_HEARTBEAT_MS: heartbeatMs, TIDEMARK_LEASE_TTL_MS: leaseTtlMs } = values;
  if (heartbeatMs !== undefined && leaseTtlMs !== undefined && leaseTtlMs < 2 * heartbeatMs) {
    problems.push({
      variable: 'TIDEMARK_LEASE_TTL_MS',
      expected: `at least twice TIDEMARK_HEARTBEAT_MS (${heartbeatMs})`,
      received: String(leaseTtlMs),
    });
  }
  return problems;
}

/** One error for all problems, a line for each. */
export function invalidConfig(problems: readonly Problem[]): AppError {
  const lines = problems.map(
    ({ variable, expected, received }) => `  ${variable}: expected ${expected}, got ${received}`,
  );
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new AppError('config.invalid', [`the environment has ${count}:`, ...lines].join('\n'), {
    details: { problems },
  });
}
