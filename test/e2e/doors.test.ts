import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import path from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { done, eventually, harnessOn } from '../conformance/queue/harness.ts';
import { ROOT } from '../architecture/source-files.ts';
import { apiQueue, openApi } from '../support/api-client.ts';
import { openBullMq, openPgBoss } from '../support/engines-under-test.ts';
import { NEEDS_REDIS, openRedis } from '../support/redis.ts';

vi.setConfig({ testTimeout: 60_000 });

const run = promisify(execFile);
const redis = await openRedis();
const engine = await openPgBoss();
afterAll(async () => {
  await engine.driver.stop();
  await redis?.stop();
});
const db = engine.databases.api;

const guide = readFileSync(path.join(ROOT, 'docs/doors.md'), 'utf8');

/** The nth example of a language in the guide, as it stands there. */
function example(language: string, nth = 0): string {
  const blocks = [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, code]) => code!,
  );
  const found = blocks[nth];
  if (found === undefined) throw new Error(`docs/doors.md has no example ${nth} in ${language}`);
  return found;
}

const has = async (program: string): Promise<boolean> =>
  await run(program, ['--version']).then(
    () => true,
    () => false,
  );

/** A service's login as the guide makes it; its URL. */
async function openLogin(): Promise<string> {
  const login = `billing_${randomUUID().slice(0, 8)}`;
  for (const statement of example('sql', 0).replaceAll('billing', login).split(';'))
    if (statement.trim() !== '') await engine.asSuperuser(statement);
  onTestFinished(async () => void (await engine.asSuperuser(`drop role ${login}`)));
  const url = new URL(engine.address.databaseUrl);
  url.username = login;
  url.password = 'choose one';
  return url.href;
}

describe('the examples of docs/doors.md', () => {
  test('SQL: a login that may enqueue, and a job in a transaction, by psql', async (context) => {
    if (!(await has('psql'))) context.skip('needs psql');
    const url = await openLogin();
    const psql = (text: string) => run('psql', [url, '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', text]);
    const { stdout } = await psql(example('sql', 1).replaceAll('\n', ' ').replace('-- … your own rows …', ''));
    const jobId = stdout.trim();
    const [row] = await engine.asSuperuser(`select kind, unique_key, class, user_id from job_ledger where id = $1`, [
      jobId,
    ]);
    expect(row).toEqual({
      kind: 'credential.refresh',
      unique_key: 'nightly',
      class: 0,
      user_id: '01890000-0000-7000-8000-00000000000b',
    });
    const again = await psql(example('sql', 1).replaceAll('\n', ' ').replace('-- … your own rows …', ''));
    expect(again.stdout.trim()).toBe(jobId);
    const rolledBack = await psql(
      `begin; select tidemark_enqueue('credential.refresh', '{"integrationId": "x"}'); rollback;`,
    );
    expect(await engine.asSuperuser('select from job_ledger where id = $1', [rolledBack.stdout.trim()])).toEqual([]);
    await expect(psql(`select tidemark_enqueue('no.such', '{}')`)).rejects.toThrow('expected a kind of');
    await expect(psql('select count(*) from users')).rejects.toThrow('permission denied');
    const h = harnessOn(engine);
    await h.consume(done);
    await h.admission.admitDue();
    await h.until(jobId, 'completed');
  });

  test('SQL: a job from Python with psycopg', async (context) => {
    const hasPsycopg = await run('python3', ['-c', 'import psycopg']).then(
      () => true,
      () => false,
    );
    if (!hasPsycopg) context.skip('needs python3 with psycopg');
    const url = await openLogin();
    const [integrationId, userId] = [randomUUID(), randomUUID()];
    const env = { PATH: process.env['PATH'], DATABASE_URL: url, INTEGRATION_ID: integrationId, USER_ID: userId };
    const { stdout } = await run('python3', ['-c', example('python', 1)], { env });
    expect(await engine.asSuperuser('select payload, user_id from job_ledger where id = $1', [stdout.trim()])).toEqual([
      { payload: { integrationId }, user_id: userId },
    ]);
  });

  test('SQL: a message in a transaction, by psql', async (context) => {
    if (!(await has('psql'))) context.skip('needs psql');
    const url = await openLogin();
    const [user] = await engine.asSuperuser<{ id: string }>(
      `insert into users (email, name) values ('talk@example.test', 'Talk') returning id`,
    );
    await engine.asSuperuser(
      `insert into integrations (id, user_id, platform_id, external_account_id, status)
       values ('01890000-0000-7000-8000-00000000000a', $1, 'telegram', '42', 'connected')`,
      [user!.id],
    );
    const psql = (text: string) => run('psql', [url, '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', text]);
    const first = await psql(example('sql', 2));
    expect((await psql(example('sql', 2))).stdout).toBe(first.stdout);
    expect(
      await engine.asSuperuser('select chat_key, status, dedupe_key from outbound_messages where id = $1', [
        first.stdout.trim(),
      ]),
    ).toEqual([{ chat_key: '501', status: 'queued', dedupe_key: 'order-17-shipped' }]);
    await expect(psql('select * from outbound_messages')).rejects.toThrow('permission denied');
  });

  test('SQL: what is hostile is refused or stays text, by psql', async (context) => {
    if (!(await has('psql'))) context.skip('needs psql');
    const url = await openLogin();
    const ask = async (kind: string, payload: string, options = '{}'): Promise<string> => {
      const child = run('psql', [url, '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose']);
      const text = (value: string): string => `'${value.replaceAll(`'`, `''`)}'`;
      child.child.stdin?.end(`select tidemark_enqueue(${text(kind)}, ${text(payload)}, ${text(options)});`);
      return (await child).stdout.trim();
    };
    const sqlText = `'; drop table job_ledger; --`;
    const htmlText = '<script>alert(1)</script>';
    await expect(ask(sqlText, '{}')).rejects.toThrow('22023');
    await expect(ask(htmlText, '{}')).rejects.toThrow('expected a kind of credential.refresh, credential.test');
    await expect(ask('metrics.rollup', '{}')).rejects.toThrow('what it is derived from asks for it');
    await expect(ask('credential.refresh', '{}', `{"queue": "${sqlText}"}`)).rejects.toThrow('22023');
    await expect(ask('credential.refresh', '{}', '{"unheard": 1}')).rejects.toThrow('got unheard');
    await expect(ask('credential.refresh', '[]')).rejects.toThrow('a JSON object as payload');
    await expect(ask('credential.refresh', `{"a":"${'x'.repeat(10 * 1024 * 1024)}"}`)).rejects.toThrow('64 kB');
    await expect(ask('credential.refresh', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`)).rejects.toThrow('levels');
    const kept = await ask('credential.refresh', JSON.stringify({ integrationId: htmlText, note: sqlText }));
    const h = harnessOn(engine);
    await h.consume(done);
    await h.admission.admitDue();
    expect(await h.until(kept, 'dead')).toMatchObject({
      payload: { integrationId: htmlText, note: sqlText },
      error: { code: 'queue.payload_invalid' },
    });
  });

  test('HTTP: a job from Python, once for its key', async (context) => {
    if (!(await has('python3'))) context.skip('needs python3');
    const { address, token } = await openApi(db, apiQueue(db, engine.driver), { scopes: ['enqueue'] });
    const [integrationId, userId] = [randomUUID(), randomUUID()];
    const env = {
      PATH: process.env['PATH'],
      TIDEMARK_URL: address,
      TIDEMARK_TOKEN: token,
      INTEGRATION_ID: integrationId,
      USER_ID: userId,
    };
    const first = await run('python3', ['-c', example('python')], { env });
    const second = await run('python3', ['-c', example('python')], { env });
    expect(second.stdout).toBe(first.stdout);
    const [row] = await engine.asSuperuser('select payload, user_id from job_ledger where id = $1', [
      first.stdout.trim(),
    ]);
    expect(row).toEqual({ payload: { integrationId }, user_id: userId });
  });

  test('BullMQ: its own Queue.add, taken into the ledger by a worker', async (context) => {
    if (redis === null) return context.skip(NEEDS_REDIS);
    const bullmq = await openBullMq(redis);
    const integrationId = randomUUID();
    const script = ['--input-type=module', '-e', example('js')];
    await run(process.execPath, script, {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], REDIS_URL: redis.url.reveal(), INTEGRATION_ID: integrationId },
    });
    const h = harnessOn(bullmq);
    const ran: unknown[] = [];
    await h.consume((job) => {
      ran.push(job.payload);
      return done(job);
    });
    await eventually(() => ran.length > 0);
    expect(ran).toEqual([{ integrationId }]);
    await bullmq.driver.stop();
  });

  test('the table of kinds names every kind that can be enqueued', async () => {
    const rows = await engine.asSuperuser<{ kind: string }>('select kind from tidemark_private.job_kinds');
    expect(rows.filter(({ kind }) => !guide.includes(`| \`${kind}\` |`))).toEqual([]);
  });
});
