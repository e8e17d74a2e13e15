// The OpenAPI document at `/docs/json` and a page to read it at `/docs`, for whoever may read anything.

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { requireScope, type Authentication } from './authenticate.ts';
import { openApiDocument } from './contract/openapi.ts';

export function addDocumentation(app: FastifyInstance, auth: Authentication): void {
  void app.register(async (docs) => {
    docs.addHook('onRequest', requireScope('read', auth));
    await docs.register(swagger, { mode: 'static', specification: { document: openApiDocument() as never } });
    await docs.register(swaggerUi, { routePrefix: '/docs' });
  });
}
