// Where the official documents of Wildberries lie that our streams are of, and how a mock of them tells hosts apart.

import { sharedFiles } from '../../simulators/shared-folder.ts';

/** Published 2026-08-18; null: `../shared` is not there. */
export const WILDBERRIES_DOCUMENTS: readonly string[] | null = sharedFiles(
  [
    '01-general',
    '02-items',
    '03-orders-fbs',
    '07-orders-fbw',
    '09-communications',
    '11-analytics',
    '12-reports',
    '13-finances',
  ].map((name) => `specs/wildberries-2026-08-18/${name}.yaml`),
);

/** `content-api.wildberries.ru` → `/content-api`, as a base URL override sends it. */
export const wildberriesPrefix = (host: string): string => `/${host.split('.')[0]}`;
