// The `fields` parameter of Graph: `id,name,analytics.start(1).end(2).granularity(DAY).phone_numbers(["1555"])`.

import { invalidParameter } from './failure.ts';

export interface Field {
  readonly name: string;
  /** Texts between the brackets of each modifier. */
  readonly modifiers: Readonly<Record<string, string>>;
}

/** Fields in their order. Throws 100 for brackets that do not match. */
export function fieldsOf(text: string): readonly Field[] {
  return splitOutside(text, ',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(fieldOf);
}

/** A list between brackets: `["a","b"]`, `[]`, `[A,B]`, `a`; the quotes may be missing. */
export function listIn(text: string | undefined): readonly string[] {
  return (text ?? '')
    .replaceAll(/[[\]"'\s]/g, '')
    .split(',')
    .filter((word) => word !== '');
}

function fieldOf(text: string): Field {
  const [name = '', ...rest] = splitOutside(text.replace(/\{.*\}$/s, ''), '.');
  const modifiers = rest.map((part) => {
    const match = /^(?<key>\w+)\((?<value>.*)\)$/s.exec(part);
    if (match?.groups === undefined) throw invalidParameter(`Syntax error in fields near: ${part}`);
    return [match.groups['key']!, match.groups['value']!] as const;
  });
  return { name, modifiers: Object.fromEntries(modifiers) };
}

/** Splits where no bracket is open. */
function splitOutside(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const sign of text) {
    if ('([{'.includes(sign)) depth += 1;
    if (')]}'.includes(sign)) depth -= 1;
    if (sign === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += sign;
  }
  if (depth !== 0) throw invalidParameter('Syntax error in fields: brackets do not match');
  return parts;
}

/**
 * The members that `fields` names, and the id; without `fields` those of `defaults`. Throws 100 for a name that the node does
 * not have.
 */
export function selected(
  node: Readonly<Record<string, unknown>>,
  { fields, defaults, type }: { fields: string | null; defaults: readonly string[]; type: string },
): Record<string, unknown> {
  const names = fields === null ? defaults : fieldsOf(fields).map(({ name }) => name);
  const unknown = names.find((name) => !(name in node));
  if (unknown !== undefined)
    throw invalidParameter(`Tried accessing nonexisting field (${unknown}) on node type (${type})`);
  const chosen = names.filter((name) => node[name] !== undefined).map((name) => [name, node[name]] as const);
  return { ...Object.fromEntries(chosen), id: node['id'] };
}
