// @tidemark/client: the Tidemark API with types, and nothing else.

export { createClient, type Client } from './client.ts';
export { TidemarkError } from './errors.ts';
export type { CallOptions, ClientOptions } from './http.ts';
export type * from './operations.ts';
