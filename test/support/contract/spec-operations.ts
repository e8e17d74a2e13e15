// The operations of an OpenAPI document as Prism reads them, and what is made of them before a mock uses them. Documents are
// read where they lie (`../shared/specs`) and never copied.

import { readFile } from 'node:fs/promises';
import { getHttpOperationsFromSpec } from '@stoplight/prism-http';
import { parse as parseYaml } from 'yaml';
import type { Random } from '../../simulators/random.ts';
import { closed, shown, thinned, typed, type SchemaNode } from './spec-schemas.ts';

export type Operation = Awaited<ReturnType<typeof getHttpOperationsFromSpec>>[number];

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
  return operations.map((operation) => strictRequest(withAnswers(operation, typed)));
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
    ...(content.schema === undefined ? {} : { schema: closed(typed(content.schema as SchemaNode)) }),
  }));
  return { ...operation, request: { ...request, body: { ...request.body, contents } } } as Operation;
}

/**
 * The operation with hints for whoever generates answers: a text of which the document shows examples is one of them, for a
 * random one would be no date, currency or id.
 */
export function hinted(operation: Operation): Operation {
  return withAnswers(operation, (schema, samples) => shown(schema, samples));
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
