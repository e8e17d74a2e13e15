// The operations of an OpenAPI document as Prism reads them, and what is made of them before a mock uses them. Documents are
// read where they lie (`../shared/specs`) and never copied.

import { readFile } from 'node:fs/promises';
import { getHttpOperationsFromSpec } from '@stoplight/prism-http';
import { parse as parseYaml } from 'yaml';
import type { Random } from '../../simulators/random.ts';

export type Operation = Awaited<ReturnType<typeof getHttpOperationsFromSpec>>[number];

/** As much of JSON schema as is looked at here. */
interface SchemaNode {
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

const read = new Map<string, Promise<readonly Operation[]>>();

/** Every operation of the document at this absolute path (JSON or YAML); read once per process. */
export async function operationsOf(file: string): Promise<readonly Operation[]> {
  const known = read.get(file) ?? readOperations(file);
  read.set(file, known);
  return await known;
}

async function readOperations(file: string): Promise<readonly Operation[]> {
  const text = await readFile(file, 'utf8');
  const document: unknown = file.endsWith('.json') ? JSON.parse(text) : parseYaml(text, { maxAliasCount: -1 });
  repair(document);
  const operations = await getHttpOperationsFromSpec(document as object);
  return operations.map(strictRequest);
}

/** `YYYY-MM-DD` is a form in words, no regular expression. */
const WORDED_PATTERN = /YYYY|XXX/;

/**
 * Official documents refer to files of their authors' disks: whatever stands there is then unknown. And they write forms
 * where an expression is wanted, which no value would ever match.
 */
function repair(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const members = node as Record<string, unknown>;
  for (const [name, value] of Object.entries(members)) {
    const { $ref, pattern } = Object(value) as { $ref?: unknown; pattern?: unknown };
    if (typeof $ref === 'string' && !$ref.startsWith('#')) members[name] = {};
    else if (typeof pattern === 'string' && WORDED_PATTERN.test(pattern))
      members[name] = { ...(value as object), pattern: undefined };
    repair(members[name]);
  }
}

/** Platforms ignore names that they do not know, so a misspelt filter would read everything: here it is an error. */
function strictRequest(operation: Operation): Operation {
  const { request } = operation;
  if (request?.body?.contents === undefined) return operation;
  const contents = request.body.contents.map((content) => ({
    ...content,
    ...(content.schema === undefined ? {} : { schema: closed(content.schema as SchemaNode) }),
  }));
  return { ...operation, request: { ...request, body: { ...request.body, contents } } } as Operation;
}

function closed(schema: SchemaNode): SchemaNode {
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

/**
 * The operation with hints for whoever generates answers: a text of which the document shows examples is one of them, for a
 * random one would be no date, currency or id.
 */
export function hinted(operation: Operation): Operation {
  return withAnswers(operation, (schema, samples) => hintedNode(schema, samples));
}

/** The operation as of a platform that leaves out what it may: some optional members are missing from its answers. */
export function sparse(operation: Operation, random: Random): Operation {
  return withAnswers(operation, (schema) => thinned(schema, random));
}

function withAnswers(
  operation: Operation,
  change: (schema: SchemaNode, samples: readonly unknown[]) => SchemaNode,
): Operation {
  const responses = operation.responses.map((response) => ({
    ...response,
    contents: response.contents?.map((content) => {
      if (content.schema === undefined) return content;
      const samples = (content.examples ?? []).map((example) => ('value' in example ? example.value : undefined));
      return { ...content, schema: change(content.schema as SchemaNode, samples) };
    }),
  }));
  return { ...operation, responses } as Operation;
}

function hintedNode(schema: SchemaNode, samples: readonly unknown[]): SchemaNode {
  const { properties, items, type, examples = [], enum: words, format, pattern } = schema;
  const types = [type].flat();
  const shown = [...examples, ...samples].filter((value) => typeof value === 'string');
  if (types.includes('string') && shown.length > 0 && (words ?? format ?? pattern) === undefined)
    return { ...schema, enum: [...shown, ...(types.includes('null') ? [null] : [])] };
  const children = (name: string): unknown[] =>
    [...samples, ...examples].map((value) => (Object(value) as Record<string, unknown>)[name]);
  return {
    ...schema,
    ...(properties === undefined
      ? {}
      : { properties: mapped(properties, (node, name) => hintedNode(node, children(name))) }),
    ...(items === undefined || Array.isArray(items) ? {} : { items: hintedNode(items, samples.flat()) }),
    ...combined(schema, (part) => hintedNode(part, samples)),
  };
}

/** Lists and objects mostly stay, else most answers would be empty. */
const CHANCE_TO_LEAVE_OUT = { member: 1 / 8, nest: 1 / 20 };

function thinned(schema: SchemaNode, random: Random): SchemaNode {
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
