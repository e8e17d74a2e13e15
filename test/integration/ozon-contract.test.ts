// Every stream of Ozon against mocks made of the official document of 2026-05, and of the shapes observed since.

import { ozon } from '../../src/connectors/ozon/index.ts';
import { sharedFiles } from '../simulators/shared-folder.ts';
import { contractSuite } from '../support/contract/contract-suite.ts';

const NOW = new Date('2026-10-06T09:00:00Z');

contractSuite({
  connector: ozon,
  // What both describe is taken from the younger one.
  files: sharedFiles(['specs/ozon/supplement-2026-10.json', 'specs/ozon/seller-swagger-2026-05.json']),
  credentials: { client_id: '123456', api_key: '3f1c9c2e-0000-4000-8000-000000000001' },
  now: () => NOW,
  refusals: {
    400: 'platform.request_invalid',
    403: 'platform.scope_missing',
    404: 'platform.method_gone',
  },
  wrongExamples: {
    // "true" where the same document says boolean.
    chats: /has_next/,
    chat_messages: /has_next/,
    // The shapes observed come without examples.
    finance: /total_amount\.amount/,
  },
  // The example of postings wraps them, their schema does not; the example's shop has no subscription for figures.
  emptyExamples: ['fbs_postings', 'analytics'],
});
