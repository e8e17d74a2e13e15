// The command line as a person uses it: real processes, exit codes, and what they print when the input is wrong.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { UPWORK_STREAMS } from '../support/upwork-streams.ts';

const database = await createTestDatabase();
const CANARY = 'canary-5e7c9a';
const ID = '01890000-0000-7000-8000-00000000000a';
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-cli-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command; with `interruptAt`, it gets a Ctrl-C once its stderr says that. */
async function tidemark(
  args: readonly string[],
  env: Record<string, string> = {},
  interruptAt?: string,
): Promise<Ended> {
  const child = spawn(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], {
    cwd: ROOT,
    env: {
      ...CHILD_ENV,
      DATABASE_URL: database.urlOf('tidemark_api'),
      TIDEMARK_DATA_DIR: path.join(folder, 'data'),
      ...env,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    // Once: a second one ends the process at once.
    if (interruptAt !== undefined && stderr.includes(interruptAt) && !child.killed) child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

async function file(name: string, content: unknown, mode = 0o600): Promise<string> {
  const place = path.join(folder, name);
  await writeFile(place, typeof content === 'string' ? content : JSON.stringify(content), { mode });
  await chmod(place, mode);
  return place;
}

const credentials = { access_token: CANARY, refresh_token: CANARY, expires_at: '2027-01-01T00:00:00Z' };

/** `integrations add` with everything right but what `over` says. */
async function addIntegration(
  over: readonly string[],
  files: { readonly credentials?: unknown; readonly settings?: unknown } = {},
): Promise<Ended> {
  const credentialsFile = await file('credentials.json', files.credentials ?? credentials);
  const settingsFile = await file(
    'settings.json',
    files.settings ?? { saved_searches: [{ name: 'node', query: 'node.js' }] },
  );
  const base = [
    'integrations',
    'add',
    '--user',
    'ada@example.test',
    '--platform',
    'upwork',
    '--credentials-file',
    credentialsFile,
    '--settings-file',
    settingsFile,
  ];
  return await tidemark([...base, ...over]);
}

describe('connecting an account', () => {
  test(
    'users, app, integration, streams and schedule are set up by commands and shown again',
    { timeout: 120_000 },
    async () => {
      const user = await tidemark([
        'users',
        'add',
        '--email',
        'ada@example.test',
        '--name',
        'Ada',
        '--timezone',
        'Europe/Berlin',
      ]);
      expect(user).toMatchObject({ code: 0, stderr: '' });
      const app = await tidemark([
        'integrations',
        'oauth-app',
        '--platform',
        'upwork',
        '--credentials-file',
        await file('app.json', { client_id: 'id', client_secret: CANARY }),
      ]);
      expect(app.code).toBe(0);
      const added = await addIntegration(['--cron', '0 6 * * *', '--timezone', 'Europe/Berlin', '--json']);
      expect(added).toMatchObject({ code: 0, stderr: '' });
      const { id } = JSON.parse(added.stdout) as { id: string };
      const shown = await tidemark(['integrations', 'show', id, '--json']);
      const { streams } = JSON.parse(shown.stdout) as { streams: { stream: string; cron: string }[] };
      expect(streams.map(({ stream }) => stream).sort()).toEqual(UPWORK_STREAMS.toSorted());
      expect(new Set(streams.map(({ cron }) => cron))).toEqual(new Set(['0 6 * * *']));
      expect((await tidemark(['streams', 'set', id, 'jobs', '--interval', '10'])).code).toBe(0);
      expect((await tidemark(['integrations', 'pause', id])).stdout).toContain('paused');
      const refused = await tidemark(['integrations', 'sync', id]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('paused') });
      expect((await tidemark(['integrations', 'resume', id])).stdout).toContain('resumed');
      const synced = await tidemark(['integrations', 'sync', id, '--stream', 'jobs', '--json']);
      expect(JSON.parse(synced.stdout)).toMatchObject({ runs: [{ stream: 'jobs' }] });
      const again = await tidemark(['integrations', 'sync', id, '--stream', 'jobs', '--json']);
      expect(JSON.parse(again.stdout)).toMatchObject({ runs: [{ stream: 'jobs', coalesced: true }] });
    },
  );

  test('no secret is in any row outside the sealed columns', async () => {
    const dump = await database.asSuperuser(
      `select i::text as i from integrations i union all select o.client_id from oauth_apps o union all select c.key_id from integration_credentials c`,
    );
    expect(JSON.stringify(dump)).not.toContain(CANARY);
  });
});

describe('wrong input is explained, exits with 2 and stores nothing', () => {
  test.each([
    ['an unknown platform', ['--platform', 'amazon'], {}, 'expected a platform of upwork'],
    ['an interval that is no number', ['--interval', 'often'], {}, '--interval: expected a whole number'],
    ['an interval of zero', ['--interval', '0'], {}, 'from 1 to 44640'],
    ['a broken cron expression', ['--cron', 'every day', '--timezone', 'UTC'], {}, 'cron'],
    ['an unknown zone', ['--cron', '0 6 * * *', '--timezone', 'Mars/Olympus'], {}, 'Mars/Olympus'],
    ['interval and cron together', ['--interval', '5', '--cron', '0 6 * * *', '--timezone', 'UTC'], {}, 'either'],
    ['credentials that are not JSON', [], { credentials: `${CANARY} is no json` }, 'does not parse'],
    ['credentials without a member', [], { credentials: { access_token: CANARY } }, 'refresh_token'],
    ['credentials with a member too many', [], { credentials: { ...credentials, password: CANARY } }, 'credentials'],
    ['settings of another shape', [], { settings: { saved_searches: [{ query: 'x' }] } }, 'saved_searches.0.name'],
    ['an unknown user', ['--user', 'nobody@example.test'], {}, 'nobody@example.test'],
  ])('%s', async (_name, over, files, message) => {
    const before = await database.asSuperuser('select count(*)::int as count from integrations');
    const ended = await addIntegration(over, files);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBeGreaterThan(0);
    expect(ended.stdout + ended.stderr).not.toContain(CANARY);
    expect(await database.asSuperuser('select count(*)::int as count from integrations')).toEqual(before);
  });

  test('an unreadable secret keys file is named with the remedy', async () => {
    const keys = await file('keys.json', '{}', 0o644);
    const ended = await tidemark(['keys', 'status'], { TIDEMARK_SECRET_KEYS_FILE: keys });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('chmod 600') });
  });

  test('every problem of the configuration is listed at once, without the values', async () => {
    const ended = await tidemark(['users', 'list'], {
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      DATABASE_URL: `mysql://u:${CANARY}@h/d`,
    });
    expect(ended.code).toBe(2);
    for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL']) expect(ended.stderr).toContain(name);
    expect(ended.stderr).not.toContain(CANARY);
  });

  test('an unknown command and a missing option are usage errors', async () => {
    expect((await tidemark(['dance'])).code).toBe(2);
    expect(await tidemark(['users', 'add', '--name', 'x'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--email'),
    });
  });

  test('a database that is away is an error of 1 with a sentence, not a stack', async () => {
    const ended = await tidemark(['users', 'list'], { DATABASE_URL: 'postgresql://tidemark_api:x@127.0.0.1:1/none' });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^tidemark: database: .*\[db\.unavailable\]\n$/);
  });
});

test('a login that the database refuses is a matter of configuration', async () => {
  const url = new URL(database.urlOf('tidemark_api'));
  url.password = CANARY;
  const ended = await tidemark(['users', 'list'], { DATABASE_URL: url.href });
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('[db.login_refused]') });
  expect(ended.stderr).not.toContain(CANARY);
});

test('doctor says what is protected and what is weaker with one login for everything', async () => {
  const own = await tidemark(['doctor', '--json']);
  const { checks } = JSON.parse(own.stdout) as { checks: { name: string; status: string; finding: string }[] };
  expect(checks.find(({ name }) => name === 'row level security')).toMatchObject({ status: 'ok' });
  expect(checks.find(({ name }) => name === 'login')).toMatchObject({ status: 'ok' });
  const single = await tidemark(['doctor', '--json'], { DATABASE_URL: database.urlOf('tidemark_owner') });
  expect(single.stdout + single.stderr).toContain('login');
});

describe('queues and dead letters', () => {
  test('a queue is paused, limited and resumed, and shown with what was set', async () => {
    expect((await tidemark(['queues', 'pause', 'metrics'])).stdout).toContain('paused');
    const limited = await tidemark(['queues', 'limit', 'metrics', '--concurrency', '4', '--rate', '100/60s', '--json']);
    expect(JSON.parse(limited.stdout)).toMatchObject({ concurrency: 4, rate: { max: 100, perMs: 60_000 } });
    const listed = await tidemark(['queues', 'list']);
    expect(listed.stdout).toMatch(/metrics .* 4 +100\/1m\n/);
    await tidemark(['queues', 'limit', 'metrics', '--concurrency', 'none', '--rate', 'none']);
    const resumed = await tidemark(['queues', 'resume', 'metrics', '--json']);
    const none = { queue: 'metrics', pausedAt: null, concurrency: null, rate: null };
    expect(JSON.parse(resumed.stdout)).toEqual(none);
  });

  test('jobs are found by payload, their log is shown, dead ones are previewed and replayed', async () => {
    const integrationId = '01890000-0000-7000-8000-000000000001';
    const payload = JSON.stringify({ integrationId });
    const added = await tidemark(['jobs', 'enqueue', 'credential.refresh', '--payload', payload, '--json']);
    const { jobId } = JSON.parse(added.stdout) as { jobId: string };
    const found = await tidemark(['jobs', 'list', '--payload', payload, '--json']);
    expect(JSON.parse(found.stdout)).toMatchObject({ jobs: [{ id: jobId, state: 'waiting' }] });
    await database.asSuperuser(
      `insert into job_logs (job_id, at, level, line) values ($1, '2026-03-01T12:00:00Z', 'warn', 'no answer')`,
      [jobId],
    );
    expect((await tidemark(['jobs', 'logs', jobId])).stdout).toBe('2026-03-01T12:00:00Z  warn   no answer\n');
    await database.asSuperuser(
      `update job_ledger set state = 'dead', settled_at = now(), last_error = '{"code": "http.timeout"}' where id = $1`,
      [jobId],
    );
    const filter = ['--code', 'http.timeout', '--payload', payload, '--after', '2026-01-01T00:00:00Z'];
    const preview = await tidemark(['jobs', 'replay', '--preview', ...filter]);
    expect(preview.stdout).toContain('dead letters: 1');
    const replayed = await tidemark(['jobs', 'replay', ...filter, '--json']);
    expect(JSON.parse(replayed.stdout)).toEqual({ replayed: 1, left: 0 });
    expect((await tidemark(['jobs', 'retry', jobId])).code).toBeGreaterThan(0);
  });

  test.each([
    [['queues', 'pause', 'no-such'], 'expected a queue of'],
    [['queues', 'limit', 'metrics'], '--concurrency or --rate'],
    [['queues', 'limit', 'metrics', '--rate', 'fast'], '--rate: expected like 100/60s'],
    [['queues', 'limit', 'metrics', '--concurrency', '0'], '--concurrency: expected a whole number'],
    [['jobs', 'replay', '--before', 'yesterday'], '--before: expected an instant'],
    [['jobs', 'replay', '--user', 'ada'], '--user: expected the id'],
    [['jobs', 'list', '--payload', '[1]'], '--payload: expected a JSON object'],
    [['integrations', 'test', 'mine'], 'expected the id of an integration'],
    [['streams', 'backfill', ID, 'jobs'], '--from'],
    [['streams', 'backfill', ID, 'jobs', '--from', 'yesterday'], '--from: expected an instant'],
    [['streams', 'backfill', ID, 'jobs', '--from', '2026-01-01', '--to', '2026-13-01'], '--to: expected an instant'],
    [['streams', 'backfill', ID, 'jobs', '--from', '2026-01-01'], `no integration has the id ${ID}`],
  ])('%j is refused', async (args, message) => {
    expect(await tidemark(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});

describe('what a newcomer meets', () => {
  test('one login that owns everything may have any name', async () => {
    const name = `single_${process.pid}`;
    await database.asSuperuser(`create database ${name}`);
    try {
      const url = new URL(inject('cluster').superuserUrl);
      url.pathname = `/${name}`;
      expect(await tidemark(['migrate', 'up'], { DATABASE_URL: url.href })).toMatchObject({ code: 0, stderr: '' });
      expect(await tidemark(['users', 'list'], { DATABASE_URL: url.href })).toMatchObject({ code: 0, stderr: '' });
      const refused = await tidemark(['migrate', 'down'], { DATABASE_URL: url.href });
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    } finally {
      await database.asSuperuser(`drop database ${name} with (force)`);
    }
  }, 30_000);

  test('--version is the version of the package', async () => {
    expect(await tidemark(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  test('a backfill is begun and shown with its window', async () => {
    const added = await addIntegration(['--json']);
    const { id } = JSON.parse(added.stdout) as { id: string };
    const window = ['--from', '2026-01-01', '--to', '2026-02-01'];
    expect(await tidemark(['streams', 'backfill', id, 'nothing', ...window])).toMatchObject({ code: 2 });
    const begun = await tidemark(['streams', 'backfill', id, 'jobs', ...window, '--json']);
    const { runId } = JSON.parse(begun.stdout) as { runId: string };
    const shown = await tidemark(['runs', 'show', runId, '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      syncType: 'backfill',
      window: { from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z' },
    });
  });

  test('a --wait that is interrupted is no success', async () => {
    const added = await addIntegration(['--json']);
    const { id } = JSON.parse(added.stdout) as { id: string };
    const ended = await tidemark(['integrations', 'sync', id, '--wait'], {}, `runs: 0/${UPWORK_STREAMS.length}`);
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('the runs go on') });
  });
});

test('prune says what is older than it is kept, and forgets it with the login of the scheduler only', async () => {
  await database.asSuperuser(
    `insert into job_ledger (id, kind, queue, state, run_at, settled_at, max_attempts, created_at)
     values (gen_random_uuid(), 'sync.run', 'sync-upwork', 'dead', '2020-01-01', '2020-01-01', 1, '2020-01-01')`,
  );
  const dead = (text: string): unknown =>
    (JSON.parse(text) as { kept: readonly { name: string }[] }).kept.find(({ name }) => name === 'dead_jobs');
  const looked = await tidemark(['prune', '--dry-run', '--json']);
  expect(dead(looked.stdout)).toMatchObject({ table: 'job_ledger', rows: 1, left: 1 });
  const refused = await tidemark(['prune']);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('SCHEDULER_DATABASE_URL') as string]);
  const asScheduler = { SCHEDULER_DATABASE_URL: database.urlOf('tidemark_scheduler') };
  const pruned = await tidemark(['prune', '--json'], asScheduler);
  expect(dead(pruned.stdout)).toMatchObject({ rows: 1, left: 0 });
  const kept = await tidemark(['prune', '--dry-run'], { TIDEMARK_KEEP: '{"runs":"never","audit":"30d"}' });
  expect(kept.stdout).toMatch(/runs +sync_logs +for ever/);
  const wrong = await tidemark(['prune', '--dry-run'], { TIDEMARK_KEEP: '{"runs":"1h","nothing":"3d"}' });
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('expected 1d to 36500d') as string]);
});
