// Every stream of Wildberries against mocks made of the official documents of 2026-08-18.

import { wildberries } from '../../src/connectors/wildberries/index.ts';
import { ALL_CATEGORIES, makeToken } from '../simulators/wildberries/token.ts';
import { contractSuite } from '../support/contract/contract-suite.ts';
import { WILDBERRIES_DOCUMENTS, wildberriesPrefix } from '../support/contract/wildberries-documents.ts';

const NOW = new Date('2026-08-18T09:00:00Z');

const api_key = makeToken({
  sid: 'd5e2f8a4-0000-4000-8000-000000000001',
  kind: 'service',
  categories: ALL_CATEGORIES,
  expiresAt: new Date('2027-01-01T00:00:00Z'),
});

contractSuite({
  connector: wildberries,
  files: WILDBERRIES_DOCUMENTS,
  prefixOf: wildberriesPrefix,
  credentials: { api_key },
  // Each week is a request.
  settings: { finance_since: '2026-06-01' },
  now: () => NOW,
  refusals: {
    400: 'platform.request_invalid',
    401: 'platform.unauthorized',
    402: 'platform.forbidden',
    403: 'platform.scope_missing',
  },
});
