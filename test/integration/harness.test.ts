import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();

test('runtime roles are neither superusers nor bypass row level security', async () => {
  const rows = await database.asSuperuser(
    `select rolname from pg_roles where rolname like 'tidemark%' and (rolsuper or rolbypassrls)`,
  );
  expect(rows).toEqual([]);
});

test('a tenant is set for one transaction only', async () => {
  const api = database.open('tidemark_api', 1);
  const user = '01890000-0000-7000-8000-000000000001';
  const read = 'select app_user() as user_id, app_is_ops() as ops';
  const inside = await api.tx({ kind: 'user', userId: user }, (tx) => tx.query(read));
  const outside = await api.query(read);
  expect([inside.rows, outside.rows]).toEqual([[{ user_id: user, ops: false }], [{ user_id: null, ops: false }]]);
});

test('a transaction whose failed statement somebody swallowed does not pass for committed', async () => {
  const api = database.open('tidemark_api', 1);
  const swallowing = api.tx({ kind: 'ops' }, async (tx) => {
    await tx.query('select 1 / 0').catch(() => undefined);
    return 'stored';
  });
  await expect(swallowing).rejects.toMatchObject({ code: 'db.query_failed' });
});
