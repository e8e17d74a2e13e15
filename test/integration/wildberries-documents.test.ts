// Our table of methods and limits beside the official documents of 2026-08-18: every method is there under its host, only
// reads, and is asked with the category and the kinds of token that it wants, and never more often than it allows.

import { beforeAll, describe, expect, test } from 'vitest';
import * as table from '../../src/connectors/wildberries/endpoints.ts';
import type { Endpoint } from '../../src/connectors/wildberries/endpoints.ts';
import { chargeOf } from '../../src/connectors/wildberries/limits.ts';
import type { Category, Token, TokenKind } from '../../src/connectors/wildberries/token.ts';
import { operationsOf, type Operation } from '../support/contract/spec-operations.ts';
import { WILDBERRIES_DOCUMENTS } from '../support/contract/wildberries-documents.ts';
import { skipUnless } from '../support/skip.ts';

const ENDPOINTS = Object.entries(table).filter((entry): entry is [string, Endpoint] => 'path' in entry[1]);

/** The documents' names of our categories; what needs none of them is not listed. */
const CATEGORIES: Readonly<Record<string, Category>> = {
  content: 'content',
  contentanalytics: 'analytics',
  discountsandprices: 'prices',
  marketplace: 'marketplace',
  statistics: 'statistics',
  questionsandfeedback: 'feedbacks',
  buyerchat: 'chat',
  supplies: 'supplies',
  returns: 'returns',
};

interface Facts {
  readonly 'x-category'?: string;
  readonly 'x-readonly-method'?: boolean;
  readonly 'x-token-types'?: readonly string[];
}

let operations: readonly Operation[] = [];

beforeAll(async () => {
  operations = (await Promise.all((WILDBERRIES_DOCUMENTS ?? []).map(operationsOf))).flat();
});

function documentOf({ method, host, path }: Endpoint): Operation {
  const url = `https://${host}.wildberries.ru`;
  const found = operations.find(
    (operation) =>
      operation.path === path &&
      operation.method === method.toLowerCase() &&
      operation.servers?.some((server) => server.url === url),
  );
  if (found === undefined) throw new Error(`the documents have no ${method} ${url}${path}`);
  return found;
}

const factsOf = (operation: Operation): Facts => operation.extensions as Facts;

const tokenOf = (kind: TokenKind): Token => ({
  sellerId: 'seller',
  kind,
  expiresAt: new Date('2027-01-01T00:00:00Z'),
  categories: new Set(),
});

const UNIT_MS: Readonly<Record<string, number>> = { мс: 1, сек: 1_000, мин: 60_000, ч: 3_600_000 };

interface Allowed {
  /** `Персональный`; the empty text: whatever the kind. */
  readonly kind: string;
  readonly everyMs: number;
  readonly burst: number;
}

/** Rows of the table of limits in a description: `| Базовый | 1 ч | 2 запроса | 30 мин | 1 запрос |`. */
function allowedBy({ description = '' }: Operation): readonly Allowed[] {
  const row = /^\s*\|(?: ([^|]+) \|)? \d+ (?:сек|мин|ч) \| \d+ запрос\S* \| (\d+) (мс|сек|мин|ч) \| (\d+) запрос/gm;
  return [...description.matchAll(row)].map(([, kind = '', every, unit = '', burst]) => ({
    kind,
    everyMs: Number(every) * UNIT_MS[unit]!,
    burst: Number(burst),
  }));
}

const KINDS = { personal: 'Персональный', service: 'Сервисный', base: 'Базовый' } as const;

if (WILDBERRIES_DOCUMENTS === null) {
  test('methods and the official documents', (context) => skipUnless(context, false, 'needs ../shared/specs'));
}

describe.for(WILDBERRIES_DOCUMENTS === null ? [] : ENDPOINTS)('%s', ([, endpoint]) => {
  test('is in the documents, reads only, and is not about to go', () => {
    const operation = documentOf(endpoint);
    expect(factsOf(operation)['x-readonly-method']).toBe(true);
    expect(operation.deprecated ?? false).toBe(false);
  });

  test('wants the category that the documents name', () => {
    const category = factsOf(documentOf(endpoint))['x-category'] ?? '';
    expect(endpoint.category).toBe(CATEGORIES[category] ?? null);
  });

  test.for(Object.entries(KINDS) as [keyof typeof KINDS, string][])(
    'is asked with a %s token as often as the documents allow, or less',
    ([kind, name]) => {
      const operation = documentOf(endpoint);
      const charge = chargeOf(endpoint.group, tokenOf(kind));
      const kinds = factsOf(operation)['x-token-types'];
      if (kinds !== undefined && !kinds.includes(kind)) {
        expect(charge).toBeNull();
        return;
      }
      const rows = allowedBy(operation);
      const allowed = rows.find((row) => row.kind === name || row.kind === '');
      expect(allowed, 'a row of the table of limits').toBeDefined();
      // Refusing more than the documents do is safe.
      if (charge === null) return;
      const { perMs, requests, burst } = charge.rule;
      expect(perMs / requests).toBeGreaterThanOrEqual(Math.floor(allowed!.everyMs));
      expect(burst).toBeLessThanOrEqual(allowed!.burst);
    },
  );
});
