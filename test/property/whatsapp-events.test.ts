// Whatever a call of WhatsApp's webhook holds: it is cut without an error, nothing of it is lost, and reading an event gives records
// or says where it is wrong.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inbox } from '../../src/connectors/whatsapp/inbox.ts';
import { webhook } from '../../src/connectors/whatsapp/webhook.ts';
import { AppError } from '../../src/core/errors.ts';

const LISTS = ['messages', 'statuses', 'message_echoes', 'errors', 'history', 'state_sync', 'contacts'] as const;
const TYPES = [
  'text',
  'image',
  'reaction',
  'system',
  'interactive',
  'contacts',
  'deleted',
  'revoke',
  'edit',
  'location',
];

const json = fc.jsonValue({ maxDepth: 3 });
const id = fc.oneof(
  fc.string(),
  fc.constant('a\u0000b'),
  fc.constantFrom('16505551234', 'US.134912', 'wamid.1'),
  fc.integer(),
  json,
);
const type = fc.constantFrom(...TYPES);
/** Something like a message or a status, with members of any kind. */
const item = fc
  .record(
    {
      id,
      from: id,
      to: id,
      recipient_id: id,
      timestamp: fc.oneof(fc.constant('1749416383'), json),
      type,
      status: fc.oneof(type, fc.constantFrom('sent', 'read', 'deleted')),
    },
    { requiredKeys: [] },
  )
  .chain((base) => json.map((member) => ({ ...base, [base.type ?? 'x']: member })));
const thread = fc.record({ id, messages: fc.oneof(fc.array(item, { maxLength: 3 }), json) }, { requiredKeys: [] });
const chunk = fc.record(
  { metadata: json, threads: fc.oneof(fc.array(thread, { maxLength: 3 }), json) },
  { requiredKeys: [] },
);
const things = fc.oneof(fc.array(fc.oneof(item, chunk, json), { maxLength: 4 }), json);
const value = fc.oneof(
  json,
  fc
    .record(
      { metadata: fc.oneof(json, fc.constant({ phone_number_id: '1', display_phone_number: '2' })) },
      { requiredKeys: [] },
    )
    .chain((base) => fc.dictionary(fc.constantFrom(...LISTS), things).map((lists) => ({ ...base, ...lists }))),
);
const change = fc.oneof(json, fc.record({ field: fc.oneof(fc.constantFrom('messages', 'history'), json), value }));
const entry = fc.oneof(
  json,
  fc.record({ id, time: json, changes: fc.oneof(fc.array(change, { maxLength: 3 }), json) }),
);
const call = fc.record({ object: fc.constant('whatsapp_business_account'), entry: fc.array(entry, { maxLength: 3 }) });

test('a call of any shape is cut, with keys and lanes that fit, the same ones each time', () => {
  fc.assert(
    fc.property(call, (body) => {
      const events = webhook.eventsOf(body, 'app');
      for (const { accountId, eventKey, lane, kind } of events) {
        expect(Math.min(accountId.length, eventKey.length, lane.length, kind.length)).toBeGreaterThan(0);
        expect(eventKey.length).toBeLessThanOrEqual(500);
        expect(lane.length).toBeLessThanOrEqual(200);
        expect(`${accountId}${eventKey}${lane}${kind}`).not.toMatch(/\p{Cc}/u);
      }
      const again = webhook.eventsOf(JSON.parse(JSON.stringify(body)), 'app');
      expect(again.map(({ eventKey }) => eventKey)).toEqual(events.map(({ eventKey }) => eventKey));
    }),
  );
});

test('an event of any shape gives records, or says where it is wrong', () => {
  fc.assert(
    fc.property(call, (body) => {
      for (const event of webhook.eventsOf(body, 'app')) {
        const stored = { ...event, body: JSON.parse(JSON.stringify(event.body)) as unknown, receivedAt: new Date(0) };
        try {
          const records = Object.values(inbox.read(stored)).flat() as readonly Record<string, unknown>[];
          expect(records.length).toBeGreaterThan(0);
          for (const { chatKey } of records) expect(chatKey ?? 'none').toMatch(/^\S{1,200}$/);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          expect([error.code, typeof error.details['path']]).toEqual(['record.invalid', 'string']);
        }
      }
    }),
  );
});
