// The OpenAPI document at `/docs/json` and a page to read it at `/docs`, for whoever may read anything.

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { requireViewer, type Authentication } from './authenticate.ts';
import { openApiDocument } from './contract/openapi.ts';
import { pagePolicy } from '../core/page-policy.ts';

/** Its script adds one style of its own (swagger-ui of 6.1.3, found by test). */
const POLICY = pagePolicy("'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='");

export function addDocumentation(app: FastifyInstance, auth: Authentication): void {
  void app.register(async (docs) => {
    docs.addHook('onRequest', requireViewer(auth));
    docs.addHook('onSend', async (_request, reply) => void reply.header('content-security-policy', POLICY));
    await docs.register(swagger, { mode: 'static', specification: { document: openApiDocument() as never } });
    await docs.register(swaggerUi, { routePrefix: '/docs' });
  });
}
