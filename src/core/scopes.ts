// What an API token may do. `admin` includes all others; the others include nothing but themselves.

export const SCOPES = ['read', 'enqueue', 'operate', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

export function allows(scopes: readonly Scope[], wanted: Scope): boolean {
  return scopes.includes(wanted) || scopes.includes('admin');
}
