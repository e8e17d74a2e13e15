// Writes `packages/client/src/operations.ts` out of the contract: what each operation takes and gives, as types, and what a
// call needs to know of it. `--check` compares instead, and exits 1 when the file is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { openApiDocument } from './openapi.ts';
import type { Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { typeOf, type Schema } from './render-type.ts';

const FILE = new URL('../../../packages/client/src/operations.ts', import.meta.url);

const HEAD = `// Written by \`npm run render:client\` out of the API's contract: change it there.

import type { CallOptions } from './http.ts';
`;

const schemaOf = (type: z.ZodType, io: 'input' | 'output'): Schema =>
  z.toJSONSchema(type, { io, unrepresentable: 'any', reused: 'inline' }) as Schema;

/** The part itself, where the schema only names it. */
function unnamed({ $ref, $defs, ...schema }: Schema): Schema {
  return $ref === undefined ? schema : ($defs?.[$ref.split('/').at(-1)!] ?? {});
}

/** The members of a body that is an object, also of one that may be left out. */
function objectOf(body: z.ZodType): Schema {
  const schema = unnamed(schemaOf(body, 'input'));
  return [schema, ...(schema.anyOf ?? [])].find(({ properties }) => properties !== undefined) ?? {};
}

interface Request {
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: ReadonlySet<string>;
  readonly query: readonly string[];
  readonly body: readonly string[];
}

function requestOf({ params, query, body }: Operation): Request {
  const [inPath, inQuery, inBody] = [schemaOf(params, 'input'), schemaOf(query, 'input'), objectOf(body)];
  const parts = [inPath, inQuery, inBody];
  return {
    properties: Object.assign({}, ...parts.map(({ properties }) => properties ?? {})) as Request['properties'],
    required: new Set(parts.flatMap(({ required }) => required ?? [])),
    query: Object.keys(inQuery.properties ?? {}),
    body: Object.keys(inBody.properties ?? {}),
  };
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

function comment(text: string, indent = ''): string {
  return `${indent}/** ${text.replaceAll('*/', '* /')} */\n`;
}

function interfaceOf(name: string, { properties, required }: Pick<Request, 'properties' | 'required'>): string {
  const members = Object.entries(properties).map(([member, schema]) => {
    const optional = required.has(member) ? '' : '?';
    const told = schema.description === undefined ? '' : comment(schema.description, '  ');
    const type = typeOf(schema);
    return `${told}  readonly ${member}${optional}: ${optional === '' ? type : `${type} | undefined`};\n`;
  });
  return `export interface ${name} {\n${members.join('')}}\n`;
}

function named(): readonly string[] {
  const { schemas } = openApiDocument().components as { readonly schemas: Readonly<Record<string, Schema>> };
  return Object.entries(schemas)
    .filter(([name]) => name !== 'Problem')
    .map(([name, { properties = {}, required = [] }]) =>
      interfaceOf(name, { properties, required: new Set(required) }),
    );
}

function methodOf(name: string, operation: Operation, { properties, required }: Request): string {
  const hasRequest = Object.keys(properties).length > 0;
  const optional = required.size === 0 ? '?' : '';
  const request = hasRequest ? `request${optional}: ${capital(name)}Request` : 'request?: object';
  const answer = operation.status === 204 ? 'void' : `${capital(name)}Answer`;
  const result = operation.form === 'events' ? `AsyncGenerator<${answer}, void, undefined>` : `Promise<${answer}>`;
  return `${comment(`${operation.summary}. Needs scope \`${operation.scope}\`.`, '  ')}  ${name}(${request}, options?: CallOptions): ${result};\n`;
}

function entryOf(name: string, { method, path, form, idempotent }: Operation, { query, body }: Request): string {
  const facts = { method, path, query, body, form, idempotent };
  return `  ${name}: ${JSON.stringify(facts)},\n`;
}

const isPaged = ({ answer }: Operation): boolean => {
  const { properties = {} } = schemaOf(answer, 'output');
  return 'items' in properties && 'nextCursor' in properties;
};

export function renderClient(): string {
  const all = Object.entries<Operation>(OPERATIONS).map(([name, operation]) => ({
    name,
    operation,
    request: requestOf(operation),
  }));
  const types = all.flatMap(({ name, operation, request }) => [
    ...(Object.keys(request.properties).length === 0 ? [] : [interfaceOf(`${capital(name)}Request`, request)]),
    ...(operation.status === 204
      ? []
      : [`export type ${capital(name)}Answer = ${typeOf(schemaOf(operation.answer, 'output'))};\n`]),
  ]);
  const paged = all.filter(({ operation }) => isPaged(operation)).map(({ name }) => name);
  return [
    HEAD,
    ...named(),
    ...types,
    `export interface Methods {\n${all.map(({ name, operation, request }) => methodOf(name, operation, request)).join('')}}\n`,
    `export type PagedOperation = ${paged.map((name) => `'${name}'`).join(' | ')};\n`,
    `export interface Requests {\n${paged.map((name) => `  ${name}: ${capital(name)}Request;\n`).join('')}}\n`,
    `export interface Answers {\n${paged.map((name) => `  ${name}: ${capital(name)}Answer;\n`).join('')}}\n`,
    `export const OPERATIONS = {\n${all.map(({ name, operation, request }) => entryOf(name, operation, request)).join('')}} as const;\n`,
  ].join('\n');
}

/** Run as a script, and not imported by a test. */
if (import.meta.main) {
  const text = renderClient();
  if (!process.argv.includes('--check')) writeFileSync(FILE, text);
  else if (readFileSync(FILE, 'utf8') !== text) {
    process.stderr.write('packages/client/src/operations.ts is out of date: run `npm run render:client`\n');
    process.exit(1);
  }
}
