import { afterAll, expect, test, vi } from 'vitest';
import { openApiDocument } from '../../src/api/contract/openapi.ts';
import { OPERATIONS } from '../../src/api/contract/operations.ts';
import { bearer, issueToken, startApi } from '../support/api.ts';
import { closeBrowser, signInWith, visit } from '../support/browser.ts';
import { createTestDatabase } from '../support/postgres.ts';

vi.setConfig({ testTimeout: 90_000 });

const database = await createTestDatabase();
const db = database.open('tidemark_api');
afterAll(closeBrowser);

interface Described {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, unknown>>;
}

test('the document describes every operation once, and refers to nothing that is not there', async () => {
  const { address } = await startApi(db);
  const response = await fetch(`${address}/docs/json`, { headers: bearer(await issueToken(db, ['read'])) });
  const document = (await response.json()) as {
    paths: Record<string, Record<string, Described>>;
    components: { schemas: Record<string, unknown> };
  };
  expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  const described = Object.values(document.paths).flatMap((item) => Object.values(item));
  expect(described.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(OPERATIONS).sort());
  expect(described.filter(({ responses }) => !('default' in responses))).toEqual([]);
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name]) => name!,
  );
  expect(references.filter((name) => !(name in document.components.schemas))).toEqual([]);
  expect(references.length).toBeGreaterThan(10);
});

test('the page shows every operation to somebody who signed in, and asks nobody else', async (context) => {
  const { address } = await startApi(db);
  const there = await visit(context, address);
  await signInWith(there, await issueToken(db, ['read']));
  await there.page.goto(`${address}/docs`);
  await there.page.getByText('/v1/jobs/bulk').first().waitFor();
  await there.page.getByText('/v1/jobs/bulk').first().click();
  await there.page.getByText('Idempotency-Key').first().waitFor();
  await there.shoot('docs');
  there.expectQuiet();
});
