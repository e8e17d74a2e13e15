// The contract as an OpenAPI 3.1 document.

import { z } from 'zod';
import type { Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; match on this' }),
    detail: z.string(),
  })
  .meta({ id: 'Problem' });

type Schema = Record<string, unknown>;
type Direction = 'input' | 'output';

/** JSON Schema of one value, with named parts collected into `components`. */
function schemaOf(type: z.ZodType, io: Direction, components: Record<string, Schema>): Schema {
  const {
    $schema: _dialect,
    $defs = {},
    ...schema
  } = z.toJSONSchema(type, {
    io,
    unrepresentable: 'any',
    // A part with a name of its own is told once, under that name.
    override: ({ jsonSchema }) => void delete jsonSchema.id,
  }) as Schema & { readonly $defs?: Record<string, Schema> };
  for (const [name, part] of Object.entries($defs)) components[name] = part;
  return relocated(schema) as Schema;
}

/** References to where OpenAPI keeps named parts. */
function relocated(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function parametersOf({ params, query, idempotent }: Operation, components: Record<string, Schema>): Schema[] {
  const of = (place: 'path' | 'query', object: z.ZodObject): Schema[] => {
    const { properties = {}, required = [] } = schemaOf(object, 'input', components) as {
      readonly properties?: Record<string, Schema>;
      readonly required?: readonly string[];
    };
    return Object.entries(properties).map(([name, schema]) => ({
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      schema,
    }));
  };
  const key = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'The first answer again for the same request, for 24 hours; 409 for another one',
    schema: { type: 'string', maxLength: 255 },
  };
  return [...of('path', params), ...of('query', query), ...(idempotent ? [key] : [])];
}

const MEDIA: Readonly<Record<Operation['form'], string>> = {
  json: 'application/json',
  events: 'text/event-stream',
  csv: 'text/csv',
};

function answersOf(operation: Operation, components: Record<string, Schema>): Schema {
  const { status, answer, form } = operation;
  const media = MEDIA[form];
  const content = status === 204 ? {} : { content: { [media]: { schema: schemaOf(answer, 'output', components) } } };
  const refused = {
    description: 'A problem document (RFC 9457)',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return { [status]: { description: operation.summary, ...content }, default: refused };
}

const takesBody = ({ method }: Operation): boolean => method !== 'GET' && method !== 'DELETE';

function pathItem(name: string, operation: Operation, components: Record<string, Schema>): Schema {
  const { summary, tag, scope, body, reach } = operation;
  return {
    operationId: name,
    summary,
    description: `Needs scope \`${scope}\`${reach === 'installation' ? ' and a token of the installation' : ''}.`,
    tags: [tag],
    security: [{ token: [] }],
    parameters: parametersOf(operation, components),
    ...(takesBody(operation)
      ? { requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input', components) } } } }
      : {}),
    responses: answersOf(operation, components),
  };
}

/** A new document each time: callers may change theirs. */
export function openApiDocument(): Schema {
  const components: Record<string, Schema> = {};
  components['Problem'] = schemaOf(problem, 'output', {});
  const paths: Record<string, Schema> = {};
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    const item = (paths[operation.path] ??= {});
    item[operation.method.toLowerCase()] = pathItem(name, operation, components);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Tidemark', version: '1', description: 'Background sync of users’ accounts on platforms.' },
    paths,
    components: {
      schemas: relocated(components),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'An API token, `tm_…`' } },
    },
  };
}
