// The doctor's look at logins and tenants: who this process is to the database, what the other roles may do, and whether
// every table with a user's rows keeps them apart.

import type { Database } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { Finding } from './check.ts';

const CREATE_LOGINS = 'give each process its own login: deploy/roles.sql';

interface Login {
  readonly login: string;
  readonly privileged: boolean;
  readonly owns: boolean;
  /** Other roles of ours that it could take. */
  readonly others: readonly string[];
}

async function readLogin(db: Database): Promise<Login> {
  const { rows } = await db.query<Login>(
    sql`
    select r.rolname::text as login,
      r.rolsuper or r.rolbypassrls as privileged,
      exists (select from pg_class c where c.relowner = r.oid and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')) as owns,
      coalesce((
        select array_agg(o.rolname::text order by o.rolname)
        from pg_roles o
        where o.rolname in ('tidemark_owner', 'tidemark_api', 'tidemark_scheduler', 'tidemark_worker', 'tidemark_readonly', 'tidemark_backup')
          and o.rolname <> $1
          and o.oid <> r.oid
          and pg_has_role(r.oid, o.oid, 'member')
      ), '{}') as others
    from pg_roles r
    where r.rolname = session_user`,
    [db.role],
  );
  return rows[0] ?? { login: 'unknown', privileged: true, owns: true, others: [] };
}

/** This process's own login, from worst to best. */
export async function checkLogin(db: Database): Promise<Finding> {
  const { login, privileged, owns, others } = await readLogin(db);
  if (privileged) {
    return {
      status: 'failed',
      finding: `${login} is a superuser or bypasses row level security`,
      advice: `policies hold after set role only, and nothing keeps this login there; ${CREATE_LOGINS}`,
    };
  }
  if (owns) {
    return {
      status: 'weak',
      finding: `${login} owns the tables: one login takes each role with set local role, and could lift the policies`,
      advice: CREATE_LOGINS,
    };
  }
  if (login !== db.role)
    return {
      status: 'weak',
      finding: `one login (${login}) takes each role with set local role`,
      advice: CREATE_LOGINS,
    };
  if (others.length > 0) {
    return {
      status: 'weak',
      finding: `${login} may also become ${others.join(', ')}`,
      advice: `revoke ${others.join(', ')} from ${login}`,
    };
  }
  return { status: 'ok', finding: `own login (${login}), no superuser, owns no table, policies enforced` };
}

/** The logins of all roles, as this one can see them. */
export async function checkRoles(db: Database): Promise<Finding> {
  const { rows } = await db.query<{ name: string; privileged: boolean; separate: boolean }>(sql`
    select rolname::text as name, rolsuper or rolbypassrls as privileged, rolcanlogin as separate
    from pg_roles
    where rolname in ('tidemark_api', 'tidemark_scheduler', 'tidemark_worker', 'tidemark_readonly', 'tidemark_backup', 'tidemark_producer')
    order by rolname`);
  const privileged = rows.filter((role) => role.privileged).map(({ name }) => name);
  if (privileged.length > 0) {
    return {
      status: 'failed',
      finding: `superuser or bypasses row level security: ${privileged.join(', ')}`,
      advice: 'as a superuser: alter role … nosuperuser nobypassrls',
    };
  }
  const processes = ['tidemark_api', 'tidemark_scheduler', 'tidemark_worker'];
  const shared = processes.filter((name) => !rows.some((role) => role.name === name && role.separate));
  if (shared.length > 0)
    return { status: 'weak', finding: `without a login of its own: ${shared.join(', ')}`, advice: CREATE_LOGINS };
  return { status: 'ok', finding: 'api, scheduler and worker have separate logins, and none passes by policies' };
}

/** Tables that name a user and hold no tenant's rows: turn numbers, and tokens, looked at before anybody knows whose they are. */
const OPEN = ['fair_shares', 'api_tokens'];

export async function checkPolicies(db: Database): Promise<Finding> {
  const { rows } = await db.query<{ name: string; enabled: boolean; tables: number }>(
    sql`
    select c.relname::text as name, c.relrowsecurity as enabled
    from pg_class c
    where c.relnamespace = 'public'::regnamespace
      and c.relkind in ('r', 'p')
      and (c.relname = 'users' or exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
      ))
      and c.relname <> all ($1)
      and not (c.relrowsecurity and c.relforcerowsecurity)
    order by c.relname`,
    [OPEN],
  );
  if (rows.length === 0)
    return { status: 'ok', finding: 'row level security is enabled and forced on every table with a user' };
  const named = rows.map(({ name, enabled }) => `${name} (${enabled ? 'enabled, not forced' : 'not enabled'})`);
  return {
    status: 'failed',
    finding: `not protected: ${named.join(', ')}`,
    advice:
      'somebody changed these tables: alter table … enable row level security; alter table … force row level security',
  };
}

/** Who besides the worker and the backup may read what is sealed. */
export async function checkSealed(db: Database): Promise<Finding> {
  const { rows } = await db.query<{ readable: string }>(sql`
    select format('%s by %s', c.relname, string_agg(distinct r.rolname, ', ')) as readable
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname in ('ciphertext', 'wrapped_key') and a.atttypid = 'bytea'::regtype
    join pg_roles r on r.rolname in ('tidemark_api', 'tidemark_scheduler', 'tidemark_readonly', 'tidemark_producer')
    where c.relnamespace = 'public'::regnamespace
      and c.relkind in ('r', 'p')
      and has_column_privilege(r.oid, c.oid, a.attnum, 'select')
    group by c.relname
    order by c.relname`);
  if (rows.length === 0) return { status: 'ok', finding: 'only the worker and the backup can select what is sealed' };
  return {
    status: 'failed',
    finding: `sealed columns can be selected: ${rows.map(({ readable }) => readable).join('; ')}`,
    advice: 'somebody granted it: revoke select on these tables from these roles',
  };
}
