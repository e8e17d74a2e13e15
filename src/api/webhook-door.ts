// Where platforms deliver events: proven on the bytes that came, stored, answered, and only then processed. What is not proven is
// refused before it is parsed; what is proven is stored even where nobody can read it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Webhook } from '../connectors/contract/webhook.ts';
import { parseExactJson } from '../connectors/toolkit/exact-json.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import type { InboxEvent } from '../core/inbox-event.ts';
import { PLATFORM_IDS, type PlatformId } from '../core/platforms.ts';
import { isDeeperThan } from '../core/storable.ts';
import { createEventWriter, type EventWriter } from '../webhooks/event-writer.ts';
import { handOn } from '../webhooks/hand-on.ts';
import { isSigned, isToken, sha256 } from '../webhooks/verify.ts';
import type { WebhookSecrets } from '../webhooks/webhook-secrets.ts';
import type { ApiDeps } from './call.ts';
import { connectorOrNone } from './connector-or-none.ts';
import type { RateLimits } from './rate-limits.ts';

export interface WebhookDoorDeps extends Pick<ApiDeps, 'db' | 'queue' | 'clock' | 'log' | 'connectorOf'> {
  readonly limits: RateLimits;
  readonly secrets: WebhookSecrets;
}

interface Door extends WebhookDoorDeps {
  readonly platform: PlatformId;
  readonly webhook: Webhook;
  readonly writer: EventWriter;
}

/** Deeper than any platform's events; walking deeper ones would exhaust the stack. */
const MAX_DEPTH = 100;

export function addWebhookDoors(app: FastifyInstance, deps: WebhookDoorDeps): void {
  const writer = createEventWriter(deps.db);
  for (const platform of PLATFORM_IDS) {
    const webhook = connectorOrNone(deps.connectorOf, platform)?.webhook;
    if (webhook !== undefined) addDoor(app, { ...deps, platform, webhook, writer });
  }
}

function addDoor(app: FastifyInstance, door: Door): void {
  const { platform, webhook } = door;
  const path = `/webhooks/${platform}/:receiver`;
  const noteUnproven = createUnproven(door);
  void app.register((scope, _options, done) => {
    // The proof is over the bytes: nobody may parse them before.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    scope.post(path, { bodyLimit: webhook.maxBytes }, async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (!(await isProven(door, request, body))) {
        noteUnproven();
        await door.limits.countPush(request);
        throw new AppError('webhook.unproven', 'expected the proof that this webhook comes from its platform');
      }
      return await receive(door, request, body, reply);
    });
    if (webhook.handshake === 'hub') scope.get(path, (request, reply) => shakeHands(door, request, reply));
    done();
  });
}

/** One line a minute, however many there are. */
function createUnproven({ log, clock, platform }: Door): () => void {
  let count = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  return () => {
    count += 1;
    if (clock.mono() - saidAt < MINUTE_MS) return;
    log.emit('webhook.unproven', { platform, count });
    saidAt = clock.mono();
    count = 0;
  };
}

function receiverOf({ params }: FastifyRequest): string {
  return (params as { readonly receiver: string }).receiver;
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Looked up anew before a refusal: the secret may be a new one. */
async function isProven(door: Door, request: FastifyRequest, body: Buffer): Promise<boolean> {
  return (await holds(door, request, body)) || (await holds(door, request, body, 'fresh'));
}

async function holds(
  { webhook: { proof }, platform, secrets }: Door,
  request: FastifyRequest,
  body: Buffer,
  fresh?: 'fresh',
): Promise<boolean> {
  const receiver = receiverOf(request);
  const header = headerOf(request, proof.header);
  if (header === undefined || receiver.length > 200) return false;
  switch (proof.kind) {
    case 'token':
      return isToken(header, await secrets.tokenHash(platform, receiver, fresh));
    case 'hmac_sha256': {
      const app = await secrets.app(platform, receiver, fresh);
      return app !== null && isSigned(body, app.secret, { header, prefix: proof.prefix });
    }
  }
}

async function receive(door: Door, request: FastifyRequest, body: Buffer, reply: FastifyReply): Promise<FastifyReply> {
  const { platform, writer, log, queue } = door;
  const arrived = await writer.store(platform, eventsOf(door, receiverOf(request), body));
  // Not awaited: the platform is answered as soon as its events are safe.
  void handOn({ queue, log }, arrived);
  // Never anything of the request: some platforms act on what they are answered.
  return await reply.code(200).send({});
}

/** A body that nobody can cut into events is one itself: proven as it is, it must not be lost. */
function eventsOf({ webhook }: Door, receiver: string, bytes: Buffer): readonly InboxEvent[] {
  const text = bytes.toString('utf8');
  const body = parseExactJson(text);
  if (isDeeperThan(body, MAX_DEPTH))
    throw new AppError('api.body_too_deep', `expected JSON that is nested at most ${MAX_DEPTH} deep, got more`);
  try {
    return webhook.eventsOf(body, receiver);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'input.invalid') throw error;
    const eventKey = `unread:${sha256(text).toString('hex')}`;
    return [{ accountId: receiver, eventKey, lane: 'unread', kind: 'unread', body }];
  }
}

/** Answers with the challenge as it came, as plain text, where the token is ours. */
async function shakeHands(
  { platform, secrets, limits }: Door,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const query = request.query as Readonly<Record<string, unknown>>;
  const { 'hub.mode': mode, 'hub.verify_token': token, 'hub.challenge': challenge } = query;
  const app = await secrets.app(platform, receiverOf(request), 'fresh');
  const isOurs = typeof token === 'string' && isToken(token, app?.verifyTokenHash ?? null);
  if (mode === 'subscribe' && isOurs && typeof challenge === 'string' && challenge.length <= 1_000)
    return await reply.type('text/plain; charset=utf-8').send(challenge);
  await limits.countPush(request);
  throw new AppError('webhook.unproven', 'expected the verify token of this app');
}
