// Every stream of Ozon against mocks made of the official document of 2026-05, and of the shapes observed since.

import path from 'node:path';
import { ozon } from '../../src/connectors/ozon/index.ts';
import { sharedFiles } from '../simulators/shared-folder.ts';
import { contractSuite } from '../support/contract/contract-suite.ts';

const NOW = new Date('2026-10-06T09:00:00Z');

// What several describe is taken from the younger one.
const official = sharedFiles(['specs/ozon/supplement-2026-10.json', 'specs/ozon/seller-swagger-2026-05.json']);

contractSuite({
  connector: ozon,
  files:
    official === null
      ? null
      : [path.join(import.meta.dirname, '../support/contract/ozon-since-2026-05.yaml'), ...official],
  credentials: { client_id: '123456', api_key: '3f1c9c2e-0000-4000-8000-000000000001' },
  // Each day is a request.
  settings: { finance_since: '2026-08-01' },
  now: () => NOW,
  refusals: {
    400: 'platform.request_invalid',
    403: 'platform.scope_missing',
    409: 'platform.unavailable',
  },
  wrongExamples: {
    // They are wrapped, which their schema does not say.
    fbs_postings: /→ at postings/,
    // "true" where the same document says boolean.
    chats: /has_next/,
    chat_messages: /has_next/,
    // The two lists show different products.
    stocks: /^"product_id"/,
    // The shapes observed come without examples.
    finance: /total_amount\.amount/,
  },
  // The example's shop has no subscription for figures.
  emptyExamples: ['analytics'],
});
