// Compares what the simulator receives and answers with Upwork's own schema, when that file is at hand. Reports text,
// never throws, never changes an answer.

import { readFileSync } from 'node:fs';

import {
  Kind,
  buildSchema,
  getVariableValues,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  validate,
} from 'graphql';
import type {
  DocumentNode,
  FieldNode,
  GraphQLOutputType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql';

const schemas = new Map<string, GraphQLSchema>();

/** Upwork's introspected schema from `file` (920 KB, about 0.2 s, kept per process). */
export function officialSchema(file: string): GraphQLSchema {
  const schema = schemas.get(file) ?? buildSchema(readFileSync(file, 'utf8'));
  schemas.set(file, schema);
  return schema;
}

/** Why Upwork would refuse this query, or its variables when given; empty when it would not. */
export function queryViolations(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables?: AnswerParts['variables'],
): string[] {
  const invalid = validate(schema, document);
  if (invalid.length > 0 || variables === undefined) return invalid.map((error) => `query: ${error.message}`);
  const definitions = operationsOf(document).flatMap((operation) => operation.variableDefinitions ?? []);
  return (getVariableValues(schema, definitions, variables).errors ?? []).map((error) => `query: ${error.message}`);
}

function operationsOf(document: DocumentNode): OperationDefinitionNode[] {
  return document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
}

export interface AnswerParts {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName?: string | undefined;
  /** The `data` of the answer; null and undefined are fine (the whole query failed). */
  readonly data: unknown;
}

/** Where `data` has another type, a null or a field that the schema does not allow. */
export function answerViolations({ schema, document, variables, operationName, data }: AnswerParts): string[] {
  const operation = operationsOf(document).find(
    ({ name }) => operationName === undefined || name?.value === operationName,
  );
  const root = schema.getQueryType();
  if (operation === undefined || !root || data === null || data === undefined) return [];
  const found: string[] = [];
  const check: Check = {
    schema,
    document,
    variables,
    report: (at, what) => found.push(`answer: ${at.replaceAll(/\[\d+\]/g, '[]')} ${what}`),
  };
  checkObject(check, { typeName: root.name, selections: [operation.selectionSet], value: data, at: 'data' });
  return found;
}

interface Check {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly report: (at: string, what: string) => void;
}

interface ObjectPart {
  readonly typeName: string;
  readonly selections: readonly SelectionSetNode[];
  readonly value: unknown;
  readonly at: string;
}

function checkObject(check: Check, { typeName, selections, value, at }: ObjectPart): void {
  const type = check.schema.getType(typeName);
  if (!isObjectType(type) || typeof value !== 'object' || value === null || Array.isArray(value)) {
    check.report(at, `is not an object of ${typeName}`);
    return;
  }
  const fields = collect(check, selections);
  for (const [key, nodes] of fields) {
    const definition = type.getFields()[nodes[0]!.name.value];
    if (nodes[0]!.name.value === '__typename') continue;
    if (definition === undefined) check.report(`${at}.${key}`, `is not a field of ${typeName}`);
    else if (!Object.hasOwn(value, key)) check.report(`${at}.${key}`, 'was asked for and is missing');
    else
      checkValue(check, {
        type: definition.type,
        nodes,
        value: (value as Record<string, unknown>)[key],
        at: `${at}.${key}`,
      });
  }
  for (const key of Object.keys(value)) {
    if (!fields.has(key)) check.report(`${at}.${key}`, 'was not asked for');
  }
}

interface ValuePart {
  readonly type: GraphQLOutputType;
  readonly nodes: readonly FieldNode[];
  readonly value: unknown;
  readonly at: string;
}

function checkValue(check: Check, { type, nodes, value, at }: ValuePart): void {
  if (isNonNullType(type)) {
    if (value === null) check.report(at, `is null but its type is ${String(type)}`);
    else checkValue(check, { type: type.ofType, nodes, value, at });
  } else if (value === null) {
    return;
  } else if (isListType(type)) {
    if (!Array.isArray(value)) check.report(at, 'is not a list');
    else
      for (const [index, item] of value.entries())
        checkValue(check, { type: type.ofType, nodes, value: item, at: `${at}[${index}]` });
  } else if (isEnumType(type)) {
    if (typeof value !== 'string' || type.getValue(value) === undefined)
      check.report(at, `${JSON.stringify(value)} is not a value of ${type.name}`);
  } else if (isScalarType(type)) {
    if (!isScalarValue(type.name, value)) check.report(at, `${JSON.stringify(value)} is not a ${type.name}`);
  } else if (isObjectType(type)) {
    const selections = nodes.flatMap((node) => node.selectionSet ?? []);
    checkObject(check, { typeName: type.name, selections, value, at });
  }
}

function isScalarValue(name: string, value: unknown): boolean {
  if (name === 'Int') return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31 - 1;
  if (name === 'Float') return typeof value === 'number';
  if (name === 'Boolean') return typeof value === 'boolean';
  return name === 'ID' || name === 'String' ? typeof value === 'string' : true;
}

/** Fields by response key, through fragments, without what a directive skips. */
function collect(check: Check, sets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const add = (set: SelectionSetNode): void => {
    for (const selection of set.selections) {
      if (!isIncluded(check, selection)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        fields.set(key, [...(fields.get(key) ?? []), selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        add(selection.selectionSet);
      } else {
        const name = selection.name.value;
        const fragment = check.document.definitions.find(
          (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name,
        );
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) add(fragment.selectionSet);
      }
    }
  };
  sets.forEach(add);
  return fields;
}

function isIncluded(check: Check, { directives = [] }: SelectionSetNode['selections'][number]): boolean {
  return directives.every(({ name, arguments: given = [] }) => {
    const condition = given.find((argument) => argument.name.value === 'if')?.value;
    const isSet =
      condition?.kind === Kind.VARIABLE
        ? check.variables[condition.name.value] === true
        : condition?.kind === Kind.BOOLEAN && condition.value;
    return name.value === 'include' ? isSet : name.value === 'skip' ? !isSet : true;
  });
}
