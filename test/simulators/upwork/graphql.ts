// Upwork's GraphQL endpoint: checks token, tenant and query, executes it against our part of the schema and phrases the
// errors as the platform does. Failures of the query are HTTP 200; only the credential and the transport have a status.

import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Kind, buildASTSchema, defaultFieldResolver, executeSync, parse, validate, visit } from 'graphql';
import type { DocumentNode, GraphQLError, GraphQLFieldResolver, GraphQLSchema } from 'graphql';

import type { RequestLabels, SimulatorAnswer, SimulatorRequest } from '../server.ts';
import { companySelector, organization, talentProfile, user } from './account-resolvers.ts';
import { contractDetails, contractList, talentWorkHistory, vendorContracts } from './contract-resolvers.ts';
import { fieldsOf } from './document-fields.ts';
import { HttpFailure } from './http-failure.ts';
import {
  marketplaceJobPosting,
  marketplaceJobPostingsContents,
  marketplaceJobPostingsSearch,
} from './job-resolvers.ts';
import { accountingEntity, contractTimeReport, transactionHistory } from './money-resolvers.ts';
import { offersByAttribute } from './offer-resolvers.ts';
import { vendorProposal, vendorProposals } from './proposal-resolvers.ts';
import { roomList, roomStories } from './room-resolvers.ts';
import type { Scope } from './scope.ts';
import { isScopeMissing } from './scopes.ts';
import type { NulledField } from './traps.ts';

/** `{query, variables, operationName}` of a request body. */
export interface GraphqlBody {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName?: string | undefined;
}

/** Told about every executed query and its answer before any fault touches it. */
export type GraphqlObserver = (exchange: { body: GraphqlBody; document: DocumentNode; data: unknown }) => void;

export interface GraphqlEndpointOptions {
  readonly observe: GraphqlObserver;
  /** Whether Upwork itself would accept the document; undefined when its schema is not at hand. */
  readonly isOfficial: ((document: DocumentNode) => boolean) | undefined;
}

export interface GraphqlEndpoint {
  /** Root fields and operation name of a request; nothing for a body that is not GraphQL. */
  label(request: SimulatorRequest): RequestLabels;
  /** Runs the query for this scope. */
  answer(request: SimulatorRequest, scope: Scope): SimulatorAnswer;
}

const ROOTS = {
  user,
  organization,
  companySelector,
  talentProfile,
  marketplaceJobPostingsSearch,
  marketplaceJobPosting,
  marketplaceJobPostingsContents,
  vendorProposals,
  vendorProposal,
  vendorContracts,
  contractList,
  contractDetails,
  talentWorkHistory,
  contractTimeReport,
  accountingEntity,
  transactionHistory,
  roomList,
  roomStories,
  offersByAttribute,
};

const SCHEMA_FILES = ['schema.graphql', 'schema-work.graphql'];

/** The simulator's part of the schema, as its files have it. */
export function subsetDocument(): DocumentNode {
  const texts = SCHEMA_FILES.map((file) => readFileSync(path.join(import.meta.dirname, file), 'utf8'));
  return parse(texts.join('\n'), { noLocation: true });
}

export function createGraphqlEndpoint({ observe, isOfficial }: GraphqlEndpointOptions): GraphqlEndpoint {
  const subset = subsetDocument();
  const schemas = new Map<string, GraphQLSchema>();
  const documents = new Map<string, DocumentNode>();
  const resolvedCounts = new Map<string, number>();

  const schemaWithout = (goneFields: readonly string[]): GraphQLSchema => {
    const key = goneFields.join(' ');
    const schema = schemas.get(key) ?? buildASTSchema(withoutFields(subset, goneFields));
    schemas.set(key, schema);
    return schema;
  };
  const parsed = (query: string): DocumentNode => {
    const document = documents.get(query) ?? parse(query);
    if (documents.size >= 200) documents.clear();
    documents.set(query, document);
    return document;
  };

  return {
    label(request) {
      try {
        const body = readBody(request);
        const fields = parsed(body.query).definitions.flatMap((definition) =>
          definition.kind === Kind.OPERATION_DEFINITION ? definition.selectionSet.selections : [],
        );
        const names = fields.map((field) => (field.kind === Kind.FIELD ? field.name.value : '…'));
        const operationName = body.operationName ?? /^\s*query\s+(\w+)/.exec(body.query)?.[1];
        return { operation: [...new Set(names)].join('+'), operationName };
      } catch {
        return {};
      }
    },
    answer(request, scope) {
      let body: GraphqlBody;
      let document: DocumentNode;
      try {
        body = readBody(request);
      } catch {
        return { status: 400, body: { message: 'expected a JSON body with a query' } };
      }
      try {
        document = parsed(body.query);
      } catch (error) {
        return failed([
          { message: `Invalid Syntax : ${(error as Error).message}`, extensions: { classification: 'InvalidSyntax' } },
        ]);
      }
      const schema = schemaWithout(scope.traps.goneFields);
      const invalid = validate(schema, document);
      if (invalid.length > 0) {
        observe({ body, document, data: undefined });
        const unmodelled = validate(schemaWithout([]), document)[0];
        if (unmodelled !== undefined && isOfficial?.(document) === true) {
          return { status: 501, body: { message: `right for Upwork, not modelled here: ${unmodelled.message}` } };
        }
        return failed(
          invalid.map((error) => ({
            message: `Validation error : ${error.message}`,
            locations: error.locations,
            extensions: { classification: 'ValidationError' },
          })),
        );
      }
      const denied = deniedFields(schema, document, scope);
      if (denied.length > 0) return failed([scopeError(denied)], null);
      return run({ schema, document, body, scope, resolvedCounts, observe });
    },
  };
}

interface Execution {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly body: GraphqlBody;
  readonly scope: Scope;
  readonly resolvedCounts: Map<string, number>;
  readonly observe: GraphqlObserver;
}

function run({ schema, document, body, scope, resolvedCounts, observe }: Execution): SimulatorAnswer {
  const { data, errors = [] } = executeSync({
    schema,
    document,
    rootValue: ROOTS,
    contextValue: scope,
    variableValues: body.variables,
    operationName: body.operationName ?? null,
    fieldResolver: nullingResolver(scope.traps.nulledFields, resolvedCounts),
  });
  const failure = errors.map((error) => error.originalError).find((error) => error instanceof HttpFailure);
  if (failure !== undefined) return { status: failure.status, body: { message: failure.message } };
  observe({ body, document, data });
  return { status: 200, body: errors.length === 0 ? { data } : { data: data ?? null, errors: errors.map(phrased) } };
}

function readBody(request: SimulatorRequest): GraphqlBody {
  const body = JSON.parse(request.body) as Partial<GraphqlBody>;
  if (typeof body.query !== 'string') throw new Error('expected a query');
  return { query: body.query, variables: body.variables ?? {}, operationName: body.operationName ?? undefined };
}

/** The schema text without some `Type.field`s. */
function withoutFields(document: DocumentNode, goneFields: readonly string[]): DocumentNode {
  return visit(document, {
    ObjectTypeDefinition: (type) => ({
      ...type,
      fields: type.fields?.filter((field) => !goneFields.includes(`${type.name.value}.${field.name.value}`)) ?? [],
    }),
  });
}

function deniedFields(schema: GraphQLSchema, document: DocumentNode, { account, traps }: Scope): string[] {
  return fieldsOf(schema, document).filter((name) => {
    const [type, field] = name.split('.') as [string, string];
    return traps.deniedFields.includes(name) || isScopeMissing(account.scopes, type, field);
  });
}

/** Answers null for the fields of the trap, the property of the source for all others. */
function nullingResolver(
  nulled: readonly NulledField[],
  counts: Map<string, number>,
): GraphQLFieldResolver<unknown, Scope> {
  if (nulled.length === 0) return defaultFieldResolver;
  const traps = Map.groupBy(nulled, (trap) => trap.field);
  return (source, args, scope, info) => {
    const name = `${info.parentType.name}.${info.fieldName}`;
    const isNulled = (trap: NulledField): boolean => {
      if (trap.ids !== undefined && !trap.ids.includes(idOf(source))) return false;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return count % (trap.every ?? 1) === 0;
    };
    if (traps.get(name)?.some(isNulled) === true) return null;
    return defaultFieldResolver(source, args, scope, info);
  };
}

function idOf(source: unknown): string {
  const { id, node } = source as { id?: string; node?: { id?: string } };
  return id ?? node?.id ?? '';
}

/** Platform's words for what graphql-js reports. */
function phrased(error: GraphQLError): object {
  const isNulled = error.message.startsWith('Cannot return null for non-nullable field');
  const message = isNulled
    ? `The field at path '/${(error.path ?? []).join('/')}' was declared as a non null type, but the code involved in retrieving data has wrongly returned a null value.`
    : error.message;
  // Without a path nothing was executed: a variable did not fit its input type.
  const isExecuted = error.path !== undefined;
  const classification = isNulled
    ? 'NullValueInNonNullableField'
    : isExecuted
      ? 'DataFetchingException'
      : 'ValidationError';
  return { message, locations: error.locations, path: error.path, extensions: { classification, ...error.extensions } };
}

function scopeError(fields: readonly string[]): object {
  const message = `The client or authentication token doesn't have enough oauth2 permissions/scopes to access: [${fields.join(', ')}]`;
  return { message, extensions: { classification: 'ExecutionAborted' } };
}

function failed(errors: readonly object[], data?: null): SimulatorAnswer {
  return { status: 200, body: data === undefined ? { errors } : { data, errors } };
}
