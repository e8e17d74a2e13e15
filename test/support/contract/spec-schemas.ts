// JSON schemas of official documents: repaired, closed against names that they do not know, and changed for the answers that
// are to be made of them. None is changed in place.

import type { Random } from '../../simulators/random.ts';

/** As much of JSON schema as is looked at here. */
export interface SchemaNode {
  type?: string | string[];
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode | SchemaNode[];
  additionalProperties?: unknown;
  examples?: readonly unknown[];
  enum?: readonly unknown[];
  format?: string;
  pattern?: string;
  allOf?: SchemaNode[];
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
}

const TYPES: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** Official schemas leave out that what has items is a list, call texts `timestamp` or `enum`, and some are empty. */
export function typed(schema: SchemaNode | null): SchemaNode {
  if (schema === null) return {};
  const { properties, items, type } = schema;
  const isList = items !== undefined && type === undefined;
  const isText = typeof type === 'string' && !TYPES.has(type);
  return {
    ...schema,
    ...(isList ? { type: 'array' } : isText ? { type: 'string' } : {}),
    ...(properties === undefined ? {} : { properties: mapped(properties, typed) }),
    ...(items === undefined || Array.isArray(items) ? {} : { items: typed(items) }),
    ...combined(schema, typed),
  };
}

/** Allows no member that it does not name. */
export function closed(schema: SchemaNode): SchemaNode {
  const { properties, items } = schema;
  // Of a combined schema, no part knows the names of the others.
  const isCombined = (schema.allOf ?? schema.anyOf ?? schema.oneOf) !== undefined;
  return {
    ...schema,
    ...(properties === undefined || isCombined
      ? {}
      : {
          additionalProperties: schema.additionalProperties ?? false,
          properties: mapped(properties, closed),
        }),
    ...(items === undefined || Array.isArray(items) ? {} : { items: closed(items) }),
  };
}

/** Texts of which examples are known are one of them: `samples`, and those of the schema itself. */
export function shown(schema: SchemaNode, samples: readonly unknown[]): SchemaNode {
  const { properties, items, type, examples = [], enum: words, format, pattern } = schema;
  const types = [type].flat();
  const texts = [...examples, ...samples].filter((value) => typeof value === 'string');
  if (types.includes('string') && texts.length > 0 && (words ?? format ?? pattern) === undefined)
    return { ...schema, enum: [...texts, ...(types.includes('null') ? [null] : [])] };
  const children = (name: string): unknown[] =>
    [...samples, ...examples].map((value) => (Object(value) as Record<string, unknown>)[name]);
  return {
    ...schema,
    ...(properties === undefined
      ? {}
      : { properties: mapped(properties, (node, name) => shown(node, children(name))) }),
    ...(items === undefined || Array.isArray(items) ? {} : { items: shown(items, samples.flat()) }),
    ...combined(schema, (part) => shown(part, samples)),
  };
}

/** Lists and objects mostly stay, else most answers would be empty. */
const CHANCE_TO_LEAVE_OUT = { member: 1 / 8, nest: 1 / 20 };

/** Without some of its optional members. */
export function thinned(schema: SchemaNode, random: Random): SchemaNode {
  const { properties, items, required = [] } = schema;
  const kept = Object.entries(properties ?? {}).filter(([name, node]) => {
    const chance = isNest(node) ? CHANCE_TO_LEAVE_OUT.nest : CHANCE_TO_LEAVE_OUT.member;
    return required.includes(name) || !random.chance(chance);
  });
  return {
    ...schema,
    ...(properties === undefined
      ? {}
      : { properties: mapped(Object.fromEntries(kept), (node) => thinned(node, random)) }),
    ...(items === undefined || Array.isArray(items) ? {} : { items: thinned(items, random) }),
    ...combined(schema, (part) => thinned(part, random)),
  };
}

function isNest({ properties, items, allOf, anyOf, oneOf }: SchemaNode): boolean {
  return (properties ?? items ?? allOf ?? anyOf ?? oneOf) !== undefined;
}

function combined(schema: SchemaNode, change: (part: SchemaNode) => SchemaNode): Partial<SchemaNode> {
  const combinations = ['allOf', 'anyOf', 'oneOf'] as const;
  return Object.fromEntries(
    combinations.flatMap((name) => {
      const parts = schema[name];
      return parts === undefined ? [] : [[name, parts.map(change)]];
    }),
  );
}

function mapped(
  properties: Record<string, SchemaNode>,
  change: (node: SchemaNode, name: string) => SchemaNode,
): Record<string, SchemaNode> {
  return Object.fromEntries(Object.entries(properties).map(([name, node]) => [name, change(node, name)]));
}
