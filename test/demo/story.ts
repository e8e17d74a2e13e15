// What happens in the demo: connect, first sync on the schedule, changes on the platform, second sync, rollups, checks.

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connectAccount, putApp } from '../../src/app/connect.ts';
import { connectorOf } from '../../src/app/connectors.ts';
import { createProgress } from '../../src/cli/progress.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { PlatformId } from '../../src/core/platforms.ts';
import { Secret } from '../../src/core/secret.ts';
import { triggerSync } from '../../src/scheduler/trigger.ts';
import { insertApiToken } from '../../src/store/api-tokens.ts';
import type { Integration } from '../../src/store/integrations.ts';
import { addUser, type User } from '../../src/store/users.ts';
import type { Run } from '../../src/store/run-views.ts';
import { createToken, hashToken } from '../../src/vault/token.ts';
import {
  compareRows,
  expectedPosting,
  expectedProposal,
  POSTINGS_SQL,
  PROPOSALS_SQL,
  type Comparison,
  type Row,
} from './compare.ts';
import { compareWork, WORK_SOURCES } from './compare-work.ts';
import { DAYS_SQL, expectedDays } from './metrics.ts';
import { quarantinedOf, rowsOf, runsOf, waitForRollups, waitForRuns } from './observe.ts';
import { moveOn, postingsOf, type DemoUser } from './scenario.ts';
import { compareShop, connectShop, type DemoShop } from './shops.ts';
import type { Stage } from './stage.ts';
import { playTalk, type DemoTalk, type TalkOutcome } from './talks.ts';

/** One line of the outcome: a stream of a user in one pass. */
export interface StreamOutcome {
  readonly pass: 'first' | 'second';
  readonly user: string;
  readonly platform: PlatformId;
  readonly stream: string;
  readonly type: string;
  readonly status: string;
  readonly source: number;
  readonly stored: number;
  readonly read: number;
  readonly changed: number;
  readonly quarantined: number;
  readonly requests: number;
  readonly recordsPerSecond: number;
  readonly differences: readonly string[];
}

export interface Outcome {
  readonly ok: boolean;
  readonly streams: readonly StreamOutcome[];
  readonly talks: readonly TalkOutcome[];
  readonly days: readonly { readonly user: string; readonly days: number; readonly differences: readonly string[] }[];
  readonly token: Secret;
}

interface Connected {
  readonly user: DemoUser;
  readonly owner: User;
  readonly userId: string;
  readonly integration: Integration;
}

/** A shop that a user has connected. */
interface ConnectedShop {
  readonly user: DemoUser;
  readonly shop: DemoShop;
  readonly integration: Integration;
}

/** What happens in each shop between the two passes. */
const SHOP_CHANGES = 60;

const STREAMS = ['profile', 'jobs', 'proposals', ...WORK_SOURCES.map(({ stream }) => stream)];

async function connect({ session, config, folder }: Stage, user: DemoUser): Promise<Connected> {
  const connector = connectorOf('upwork');
  const file = path.join(folder, 'app.json');
  const { clientId, clientSecret } = user.added.app;
  await writeFile(file, JSON.stringify({ client_id: clientId, client_secret: clientSecret }), { mode: 0o600 });
  await putApp({ api: session.api, config, connector, file });
  const { email, name, timezone } = user;
  const owner = await session.api.tx({ kind: 'ops' }, (tx) => addUser(tx, { email, name, timezone }));
  const integration = await connectAccount({
    api: session.api,
    config,
    connector,
    user: owner,
    schedule: { intervalMinutes: 60 },
    settings: connector.settings.parse({ organization_id: user.added.organizationId, saved_searches: user.searches }),
    credential: new Secret<unknown>(user.added.credentials),
    now: new Date(),
  });
  return { user, owner, userId: owner.id, integration };
}

async function compareStream(
  { sim, session }: Stage,
  { user, userId }: Connected,
  stream: string,
): Promise<Comparison> {
  const work = WORK_SOURCES.find((source) => source.stream === stream);
  if (work !== undefined) return await compareWork(sim, user.added, work, (sql) => rowsOf(session, userId, sql));
  if (stream === 'jobs') {
    const source = new Map([...postingsOf(sim, user)].map(([id, posting]) => [id, expectedPosting(posting)]));
    return compareRows(source, await rowsOf<Row & { key: string }>(session, userId, POSTINGS_SQL));
  }
  if (stream === 'proposals') {
    const own = [...sim.state.proposals.values()].filter(({ accountId }) => accountId === user.added.account.id);
    const source = new Map(own.map((proposal) => [proposal.id, expectedProposal(proposal)]));
    return compareRows(source, await rowsOf<Row & { key: string }>(session, userId, PROPOSALS_SQL));
  }
  const { id, profile } = user.added.account;
  const source = new Map([[id, { title: profile.title, description: profile.description }]]);
  return compareRows(
    source,
    await rowsOf<Row & { key: string }>(
      session,
      userId,
      'select upwork_id as key, title, description from upwork_profiles',
    ),
  );
}

interface Compared {
  readonly user: DemoUser;
  readonly integration: Integration;
  readonly comparison: Comparison;
}

async function outcomeOf(
  { session }: Stage,
  { user, integration, comparison }: Compared,
  run: Run,
  pass: StreamOutcome['pass'],
): Promise<StreamOutcome> {
  return {
    pass,
    user: user.name,
    platform: integration.platformId,
    stream: run.stream,
    type: run.syncType,
    status: run.status,
    source: comparison.source,
    stored: comparison.stored,
    read: run.recordsSynced + run.recordsFailed + run.recordsDuplicate,
    changed: run.recordsChanged,
    quarantined: await quarantinedOf(session, integration.id, run.stream),
    requests: run.requests,
    recordsPerSecond: Math.round(run.recordsSynced / Math.max(0.001, run.durationSeconds ?? 0.001)),
    differences: comparison.differences,
  };
}

/** Waits for one pass of every stream of everybody and compares. */
async function awaitPass(
  stage: Stage,
  accounts: readonly Connected[],
  pass: StreamOutcome['pass'],
): Promise<readonly StreamOutcome[]> {
  const progress = createProgress(`  ${pass} sync`, stage.output);
  const total = stage.scenario.users.reduce((sum, user) => sum + postingsOf(stage.sim, user).size, 0);
  const runsEach = STREAMS.length * (pass === 'first' ? 1 : 2);
  await waitForRuns(
    stage.session,
    accounts.map(({ integration }) => integration.id),
    runsEach,
    (records) =>
      progress.update(
        pass === 'first' ? Math.min(records, total) : records,
        pass === 'first' ? total : null,
        'records',
      ),
  );
  progress.stop();
  const outcomes = await Promise.all(
    accounts.map(async (account) => {
      const runs = await runsOf(stage.session, account.integration.id);
      const latest = STREAMS.map((stream) => runs.find((run) => run.stream === stream)!);
      return await Promise.all(
        latest.map(async (run) => {
          const comparison = await compareStream(stage, account, run.stream);
          return await outcomeOf(stage, { ...account, comparison }, run, pass);
        }),
      );
    }),
  );
  return outcomes.flat();
}

/** The same for the shops, whose streams are many and small. */
async function awaitShops(
  stage: Stage,
  shops: readonly ConnectedShop[],
  pass: StreamOutcome['pass'],
): Promise<readonly StreamOutcome[]> {
  const progress = createProgress(`  ${pass} sync of the shops`, stage.output);
  const outcomes: StreamOutcome[] = [];
  for (const { user, shop, integration } of shops) {
    const expected = shop.connector.streams.length * (pass === 'first' ? 1 : 2);
    await waitForRuns(stage.session, [integration.id], expected, (records) =>
      progress.update(records, null, 'records'),
    );
    const runs = await runsOf(stage.session, integration.id);
    for (const stream of shop.streams) {
      const run = runs.find((candidate) => candidate.stream === stream)!;
      const comparison = await compareShop(stage, shop, integration, stream);
      outcomes.push(await outcomeOf(stage, { user, integration, comparison }, run, pass));
    }
  }
  progress.stop();
  return outcomes;
}

async function triggerAll(
  { session }: Stage,
  accounts: readonly { readonly integration: Integration }[],
): Promise<void> {
  for (const { integration } of accounts) {
    await triggerSync(
      { db: session.api, queue: session.queue, clock: systemClock },
      { scope: { kind: 'ops' }, integrationId: integration.id, trigger: 'manual' },
    );
  }
}

async function compareDays({ sim, session }: Stage, { user, userId }: Connected): Promise<Outcome['days'][number]> {
  const own = [...sim.state.proposals.values()].filter(({ accountId }) => accountId === user.added.account.id);
  const comparison = compareRows(
    expectedDays(own, user.timezone),
    await rowsOf<Row & { key: string }>(session, userId, DAYS_SQL),
  );
  return { user: user.name, days: comparison.source, differences: comparison.differences };
}

/** One for each user, on a platform each. */
export interface Cast {
  readonly shops: readonly DemoShop[];
  readonly talks: readonly DemoTalk[];
}

export async function playStory(stage: Stage, { shops: demoShops, talks: demoTalks }: Cast): Promise<Outcome> {
  const { output, scenario, session, sim } = stage;
  output.note('3/6 connecting two users, each with a shop; the scheduler finds their streams due');
  const accounts: Connected[] = [];
  for (const user of scenario.users) accounts.push(await connect(stage, user));
  const shops: ConnectedShop[] = [];
  for (const [index, shop] of demoShops.entries()) {
    const { user, owner } = accounts[index % accounts.length]!;
    shops.push({ user, shop, integration: await connectShop(stage, owner, shop) });
  }
  const first = [...(await awaitPass(stage, accounts, 'first')), ...(await awaitShops(stage, shops, 'first'))];
  const moved = moveOn(sim, scenario, new Date());
  output.note(
    `4/6 on the platform: ${moved.renewed} postings renewed, ${moved.added} new, ${moved.moved} proposals moved on, ` +
      `${moved.work} changes in contracts, hours, money, talks and offers, ${SHOP_CHANGES} in each shop; syncing again`,
  );
  for (const { shop } of shops) shop.change(SHOP_CHANGES);
  await triggerAll(stage, [...accounts, ...shops]);
  const second = [...(await awaitPass(stage, accounts, 'second')), ...(await awaitShops(stage, shops, 'second'))];
  output.note('5/6 people write on Telegram and WhatsApp, the users answer');
  const talks: TalkOutcome[] = [];
  for (const [index, talk] of demoTalks.entries()) {
    const { user, owner } = accounts[index % accounts.length]!;
    talks.push(await playTalk(stage, owner, user.name, talk));
  }
  output.note('6/6 daily metrics');
  await waitForRollups(session);
  const days = await Promise.all(accounts.map((account) => compareDays(stage, account)));
  const token = createToken();
  await insertApiToken(session.api, {
    name: 'demo',
    scopes: ['read'],
    expiresAt: null,
    tokenHash: hashToken(token.reveal()),
  });
  const streams = [...first, ...second];
  const ok =
    streams.every(({ status, differences }) => status === 'success' && differences.length === 0) &&
    talks.every(({ differences }) => differences.length === 0) &&
    days.every(({ differences }) => differences.length === 0);
  return { ok, streams, talks, days, token };
}
