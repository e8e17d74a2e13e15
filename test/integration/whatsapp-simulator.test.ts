// The simulated Graph API behaves as the fact sheet of the platform says: asked by plain fetch, as any client would.

import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { startWhatsapp, WHATSAPP_NOW, type GraphAnswer, type WhatsappWorld } from '../support/whatsapp.ts';

const HOUR_MS = 3_600_000;

let world: WhatsappWorld;
beforeEach(async () => void (world = await startWhatsapp()));
afterEach(() => world.sim.stop());

interface Paging {
  readonly cursors: { readonly before: string; readonly after: string };
  readonly next?: string;
  readonly previous?: string;
}

const rows = ({ body }: GraphAnswer): readonly Record<string, unknown>[] => body['data'] as Record<string, unknown>[];
const paging = ({ body }: GraphAnswer): Paging => body['paging'] as Paging;
const numbers = (query = ''): Promise<GraphAnswer> => world.get(`${world.tenant.waba.id}/phone_numbers${query}`);
/** Two further numbers: three pages of one. */
function addNumbers(): readonly string[] {
  const { sim, tenant } = world;
  const added = [sim.addNumber(tenant.waba), sim.addNumber(tenant.waba)];
  return [tenant.number, ...added].map(({ id }) => id);
}

describe('nodes and lists', () => {
  it('has ids that a double cannot hold, as text', async () => {
    const [first] = rows(await numbers());
    expect(first!['id']).toBe(world.tenant.number.id);
    expect(String(Number(first!['id']))).not.toBe(first!['id']);
  });

  it('writes a number with a plus in the list, and its digits in webhooks', async () => {
    const [first] = rows(await numbers());
    expect(first).toMatchObject({ display_phone_number: '+1 555-078-0001', quality_rating: 'GREEN' });
    expect(world.tenant.number.digits).toBe('15550780001');
  });

  it('shows the fields that are asked for, and the id', async () => {
    const [first] = rows(await numbers('?fields=verified_name'));
    expect(Object.keys(first!).toSorted()).toEqual(['id', 'verified_name']);
  });

  it('refuses a field that the node does not have', async () => {
    expect((await numbers('?fields=colour')).error).toMatchObject({ code: 100 });
    expect((await world.get(`${world.tenant.number.id}?fields=display_phone_number,colour`)).error['code']).toBe(100);
  });

  it('has a template once per language, each with an id of its own', async () => {
    const { sim, tenant } = world;
    for (const language of ['en_US', 'de']) sim.addTemplate(tenant.waba, { name: 'greeting', language });
    sim.addTemplate(tenant.waba, { name: 'bill', status: 'PENDING', category: 'MARKETING' });
    const path = `${tenant.waba.id}/message_templates`;
    const found = rows(await world.get(`${path}?name=greeting`));
    expect(found.map(({ language }) => language)).toEqual(['en_US', 'de']);
    expect(new Set(found.map(({ id }) => id)).size).toBe(2);
    expect(rows(await world.get(`${path}?status=PENDING&category=MARKETING`))).toHaveLength(1);
  });

  it('does not tell an object that is absent from one that the token may not see', async () => {
    const other = world.sim.addTenant();
    const hidden = await world.get(`${other.waba.id}/phone_numbers`);
    const absent = await world.get('123456789/phone_numbers');
    expect(hidden.error).toMatchObject({ code: 100, error_subcode: 33 });
    expect(absent.error).toMatchObject({ code: 100, error_subcode: 33 });
  });

  it('gives a file an address for five minutes, and wants the token there too', async () => {
    const { sim, tenant } = world;
    const person = sim.addPerson();
    person.says(tenant.number, { type: 'document', fileName: 'offer.pdf', content: 'an offer' });
    const [id] = sim.media.all.keys();
    const { body } = await world.get(`${id}?phone_number_id=${tenant.number.id}`);
    const url = String(body['url']);
    const headers = { authorization: `Bearer ${tenant.token.value}` };
    expect(body).toMatchObject({ file_size: '8', mime_type: 'application/pdf' });
    expect(await (await fetch(url, { headers })).text()).toBe('an offer');
    expect((await fetch(url)).status).toBe(401);
    world.pass(5 * 60_000 + 1);
    expect((await fetch(url, { headers })).status).toBe(404);
  });

  it('has the statuses of a message in its history, and nothing of its content', async () => {
    const { sim, tenant } = world;
    const person = sim.addPerson();
    person.says(tenant.number, 'hi');
    await world.sendText(person.waId!);
    const [message] = sim.sentTo(tenant.number);
    sim.status(message!.id, 'sent');
    const [row] = rows(await world.get(`${tenant.number.id}/message_history?message_id=${message!.id}`));
    expect(row).toMatchObject({ message_id: message!.id, events: { data: [{ delivery_status: 'SENT' }] } });
    expect(JSON.stringify(row)).not.toContain('hello');
  });
});

describe('paging', () => {
  it('has cursors.after on the last page too, and no next', async () => {
    const ids = addNumbers();
    const first = await numbers('?limit=2');
    const last = await numbers(`?limit=2&after=${paging(first).cursors.after}`);
    expect([...rows(first), ...rows(last)].map(({ id }) => id)).toEqual(ids);
    expect(paging(first).next).toContain('after=');
    expect(paging(last).cursors.after).toBeTypeOf('string');
    expect(paging(last).next).toBeUndefined();
  });

  it('goes back by before', async () => {
    const ids = addNumbers();
    const second = await numbers(`?limit=1&after=${paging(await numbers('?limit=1')).cursors.after}`);
    const back = await world.get(paging(second).previous!);
    expect(rows(back).map(({ id }) => id)).toEqual([ids[0]]);
    expect(paging(back).previous).toBeUndefined();
  });

  it('may have an empty page with a next', async () => {
    const ids = addNumbers();
    world.sim.traps.hidden = new Set([ids[1]!]);
    const first = await numbers('?limit=1');
    const empty = await world.get(paging(first).next!);
    expect(rows(empty)).toEqual([]);
    expect(rows(await world.get(paging(empty).next!)).map(({ id }) => id)).toEqual([ids[2]]);
  });

  it('puts the token into next when it came as a query, or always', async () => {
    addNumbers();
    const token = world.tenant.token.value;
    expect(paging(await numbers('?limit=1')).next).not.toContain(token);
    const path = `${world.tenant.waba.id}/phone_numbers?limit=1&access_token=${token}`;
    expect(paging(await world.get(path, null)).next).toContain(token);
    world.sim.traps.nextCarriesToken = true;
    expect(paging(await numbers('?limit=1')).next).toContain(token);
  });

  it('knows a cursor no longer once its item is deleted', async () => {
    addNumbers();
    const { after } = paging(await numbers('?limit=1')).cursors;
    expect((await numbers(`?limit=1&after=${after}`)).status).toBe(200);
    world.sim.remove(world.tenant.number);
    expect((await numbers(`?limit=1&after=${after}`)).error).toMatchObject({ code: 100 });
  });

  it('refuses a limit above 100 numbers', async () => {
    expect((await numbers('?limit=101')).error['code']).toBe(100);
    expect((await numbers('?limit=100')).status).toBe(200);
  });

  it('can give one page for ever', async () => {
    world.sim.traps.cursorRepeats = true;
    const first = await numbers();
    expect(await world.get(paging(first).next!)).toMatchObject({ body: first.body });
  });
});

describe('tokens', () => {
  it.for([
    ['expired', 463],
    ['password changed', 460],
    ['invalidated', 467],
  ] as const)('refuses one that is no longer good: %s is 190/%i', async ([, subcode]) => {
    const { token } = world.tenant;
    if (subcode === 463) token.expiresAt = new Date(WHATSAPP_NOW.getTime() - 1);
    else token.revoked = subcode;
    expect((await numbers()).error).toMatchObject({ code: 190, error_subcode: subcode, type: 'OAuthException' });
  });

  it('refuses an unknown one and none at all with 190', async () => {
    expect((await world.get(world.tenant.waba.id, 'EAAnobody')).error['code']).toBe(190);
    expect((await world.get(world.tenant.waba.id, null)).error['code']).toBe(190);
  });

  it('refuses a missing scope with 200', async () => {
    world.tenant.token.scopes = ['whatsapp_business_messaging'];
    expect((await numbers()).error['code']).toBe(200);
  });

  it('says of a token in debug_token until when it lives, what for and for whom', async () => {
    const { token, waba } = world.tenant;
    const debug = async (input: string): Promise<unknown> =>
      (await world.get(`debug_token?input_token=${input}`)).body['data'];
    expect(await debug(token.value)).toMatchObject({
      is_valid: true,
      expires_at: 0,
      app_id: world.app.id,
      type: 'SYSTEM_USER',
      granular_scopes: [{ scope: 'whatsapp_business_management', target_ids: [waba.id] }, {}],
    });
    const dying = world.sim.addToken({ expiresAt: new Date(WHATSAPP_NOW.getTime() + HOUR_MS) });
    expect(await debug(dying.value)).toMatchObject({ expires_at: WHATSAPP_NOW.getTime() / 1_000 + 3_600 });
    world.pass(HOUR_MS);
    expect(await debug(dying.value)).toMatchObject({ is_valid: false, error: { subcode: 463 } });
    expect(await debug('nothing')).toMatchObject({ is_valid: false });
  });

  it('may demand an appsecret_proof', async () => {
    world.app.requiresSecretProof = true;
    const proof = createHmac('sha256', world.app.secret).update(world.tenant.token.value).digest('hex');
    expect((await numbers()).error['code']).toBe(100);
    expect((await numbers(`?appsecret_proof=${proof}`)).status).toBe(200);
    expect((await numbers(`?appsecret_proof=${'0'.repeat(64)}`)).error['code']).toBe(100);
  });

  it('stands in no journal and no remembered address', async () => {
    const { token, waba } = world.tenant;
    await world.get(`debug_token?input_token=${token.value}`);
    await world.get(`${waba.id}/phone_numbers?access_token=${token.value}`, null);
    expect(JSON.stringify(world.sim.journal.entries)).not.toContain(token.value);
    expect(world.sim.addresses).toEqual([
      '/v23.0/debug_token?input_token=***',
      `/v23.0/${waba.id}/phone_numbers?access_token=***`,
    ]);
    expect(world.sim.journal.entries[1]).toMatchObject({
      operation: 'phone_numbers',
      tenant: waba.id,
      account: token.name,
      status: 200,
    });
  });
});

describe('errors', () => {
  it.for([
    ['openapi', 401, 403, 429],
    ['always_400', 400, 400, 400],
    ['swapped', 403, 401, 403],
  ] as const)('lies about the HTTP status: %s', async ([rule, auth, scope, rate]) => {
    const { sim, tenant } = world;
    sim.traps.httpStatus = rule;
    sim.refusals.add({ code: 80_007, edge: 'phone_numbers' });
    const limited = await numbers();
    tenant.token.scopes = [];
    const forbidden = await numbers();
    const unknown = await world.get(tenant.waba.id, 'EAAnobody');
    expect([unknown, forbidden, limited].map(({ status }) => status)).toEqual([auth, scope, rate]);
    expect([unknown, forbidden, limited].map(({ error }) => error['code'])).toEqual([190, 200, 80_007]);
  });

  it('marks what passes by itself, and has a trace', async () => {
    world.sim.refusals.add({ code: 2, times: 1 });
    const failed = await numbers();
    expect(failed).toMatchObject({ status: 500, error: { code: 2, is_transient: true } });
    expect(failed.error['fbtrace_id']).toBeTypeOf('string');
    expect((await numbers()).status).toBe(200);
  });

  it('refuses by order: this number, so many times', async () => {
    const other = world.sim.addNumber(world.tenant.waba);
    world.sim.refusals.add({ code: 368, node: other.id, times: Infinity });
    expect((await world.get(other.id)).error['code']).toBe(368);
    expect((await world.get(world.tenant.number.id)).status).toBe(200);
  });
});

describe('budgets', () => {
  const businessUsage = ({ headers }: GraphAnswer): Record<string, number | string>[] => {
    const usage = JSON.parse(headers.get('x-business-use-case-usage')!) as Record<string, Record<string, number>[]>;
    return usage[world.tenant.waba.id]!;
  };

  it('says in percent how full they are, by counters of the last hour', async () => {
    world.sim.limits.accountCallsWithNumber = 10;
    world.sim.limits.appCalls = 50;
    await numbers();
    const second = await numbers();
    expect(businessUsage(second)).toEqual([
      expect.objectContaining({ type: 'whatsapp_business_management', call_count: 20 }),
      expect.objectContaining({ type: 'whatsapp', call_count: 0 }),
    ]);
    expect(JSON.parse(second.headers.get('x-app-usage')!)).toMatchObject({ call_count: 4 });
    world.pass(HOUR_MS);
    expect(businessUsage(await numbers())[0]).toMatchObject({ call_count: 10 });
  });

  it('refuses a full account with 80007 and says the wait in minutes, without Retry-After', async () => {
    world.sim.limits.accountCallsWithNumber = 2;
    await numbers();
    world.pass(30 * 60_000);
    await numbers();
    const refused = await numbers();
    expect(refused.error['code']).toBe(80_007);
    expect(businessUsage(refused)[0]).toMatchObject({ estimated_time_to_regain_access: 30, call_count: 100 });
    expect(refused.headers.get('retry-after')).toBeNull();
    world.pass(30 * 60_000);
    expect((await numbers()).status).toBe(200);
  });

  it('blocks one account of an app for minutes, and no other', async () => {
    const other = world.sim.addTenant();
    world.sim.block(world.app, world.tenant.waba, 7);
    expect(businessUsage(await numbers())[0]).toMatchObject({ estimated_time_to_regain_access: 7 });
    const path = `${other.waba.id}/phone_numbers`;
    expect((await world.get(path, other.token.value)).status).toBe(200);
  });

  it("shares the app's budget over all tenants and refuses with 4", async () => {
    const other = world.sim.addTenant();
    world.sim.limits.appCalls = 1;
    await numbers();
    expect((await world.get(other.waba.id, other.token.value)).error).toMatchObject({ code: 4, is_transient: true });
  });

  it('is small for an account without a number', async () => {
    const bare = world.sim.addWaba();
    const token = world.sim.addToken().value;
    const answer = await world.get(bare.id, token);
    const usage = JSON.parse(answer.headers.get('x-business-use-case-usage')!) as Record<string, object[]>;
    expect(world.sim.limits.accountCalls).toBe(200);
    expect(usage[bare.id]![0]).toMatchObject({ call_count: 0, estimated_time_to_regain_access: 0 });
  });
});

describe('versions', () => {
  it('says which version answered', async () => {
    expect((await numbers()).headers.get('facebook-api-version')).toBe('v23.0');
  });

  it('upgrades an expired one silently, or refuses it', async () => {
    const path = `v12.0/${world.tenant.waba.id}`;
    expect((await world.get(path)).headers.get('facebook-api-version')).toBe('v19.0');
    world.sim.traps.oldVersionsFail = true;
    expect((await world.get(path)).error['code']).toBe(2_635);
  });

  it('answers in another one than was asked, or in the oldest when none was', async () => {
    const { waba, token } = world.tenant;
    const headers = { authorization: `Bearer ${token.value}` };
    const bare = await fetch(`${world.sim.baseUrl}/${waba.id}`, { headers });
    expect(bare.headers.get('facebook-api-version')).toBe('v19.0');
    world.sim.traps.versionUsed = 'v25.0';
    expect((await numbers()).headers.get('facebook-api-version')).toBe('v25.0');
  });
});

test('a call that no edge answers is refused as an unknown object', async () => {
  const answer = await world.post(`${world.tenant.waba.id}/phone_numbers`, {});
  expect(answer.error).toMatchObject({ code: 100, error_subcode: 33 });
});
