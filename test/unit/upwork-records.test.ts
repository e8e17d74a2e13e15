import { describe, expect, test } from 'vitest';
import { edgeBlockMs, fieldsWithoutScope, graphqlFailure, httpFailure } from '../../src/connectors/upwork/errors.ts';
import { parsePosting } from '../../src/connectors/upwork/schemas/postings.ts';
import { parseProposal } from '../../src/connectors/upwork/schemas/proposals.ts';
import { decimalOf, parseInstant } from '../../src/connectors/upwork/schemas/scalars.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';

const money = (rawValue: string, currency = 'USD') => ({ rawValue, currency });

const posting = (over: Record<string, unknown> = {}) => ({
  id: '1',
  title: 'A title',
  description: 'Text',
  createdDateTime: '2026-09-15T09:12:00+0000',
  publishedDateTime: '2026-09-15T09:12:00+0000',
  renewedDateTime: null,
  amount: money('0.0'),
  hourlyBudgetType: 'DEFAULT',
  hourlyBudgetMin: money('25.0'),
  hourlyBudgetMax: money('40.50'),
  ...over,
});

describe('dates of Upwork', () => {
  test.each([
    ['2026-09-15T09:12:00+0000', '2026-09-15T09:12:00.000Z'],
    ['2026-09-15T09:12:00-0730', '2026-09-15T16:42:00.000Z'],
    ['2026-09-15T09:12:00.123Z', '2026-09-15T09:12:00.123Z'],
    ['1757927520000', '2025-09-15T09:12:00.000Z'],
  ])('%s is read', (text, expected) => expect(parseInstant(text)?.toISOString()).toBe(expected));

  test('what is no date is null', () => expect(parseInstant('yesterday')).toBeNull());
});

describe('a posting', () => {
  test('by the hour has its rates and no budget: its amount of 0.0 is none', () => {
    expect(parsePosting(posting())).toMatchObject({
      jobType: 'hourly',
      budgetMin: null,
      budgetMax: null,
      hourlyRateMin: '25',
      hourlyRateMax: '40.5',
      currency: 'USD',
    });
  });

  test('with a fixed price has a budget, and a missing one is null, not 0', () => {
    const fixed = { hourlyBudgetType: null, hourlyBudgetMin: null, hourlyBudgetMax: null };
    expect(parsePosting(posting({ ...fixed, amount: money('150.00', 'EUR') }))).toMatchObject({
      jobType: 'fixed',
      budgetMin: '150',
      budgetMax: '150',
      currency: 'EUR',
    });
    expect(parsePosting(posting({ ...fixed, amount: money('0.0') })).budgetMin).toBeNull();
  });

  test('that was renewed counts as changed at its renewal', () => {
    const renewed = parsePosting(posting({ renewedDateTime: '2026-09-20T00:00:00+0000' }));
    expect(renewed.sourceUpdatedAt?.toISOString()).toBe('2026-09-20T00:00:00.000Z');
    expect(renewed.postedAt?.toISOString()).toBe('2026-09-15T09:12:00.000Z');
  });

  test.each([
    ['without its id', { id: undefined }, 'id'],
    ['with a date that is none', { publishedDateTime: 'soon' }, 'publishedDateTime'],
    ['with an amount that is none', { amount: money('many') }, 'amount'],
  ])('%s is invalid, and the error says where', (_name, over, path) => {
    expect(() => parsePosting(posting(over))).toThrow(
      expect.objectContaining({ code: 'record.invalid', details: { path } }),
    );
  });

  test.each([[null], ['text'], [[]], [42]])('that is %j is invalid', (raw) => {
    expect(() => parsePosting(raw)).toThrow(expect.objectContaining({ code: 'record.invalid' }));
  });
});

describe('a proposal', () => {
  const proposal = (status: string) => ({
    id: 'p1',
    auditDetails: { createdDateTime: { rawValue: '1757927520000' }, modifiedDateTime: { rawValue: '1757927620000' } },
    terms: { chargeRate: money('30.0') },
    status: { status, reason: null },
  });

  test.each([
    ['Accepted', 'submitted'],
    ['Pending', 'submitted'],
    ['Activated', 'interviewed'],
    ['Offered', 'accepted'],
    ['Hired', 'hired'],
    ['Declined', 'rejected'],
    ['Withdrawn', 'withdrawn'],
    ['Archived', 'archived'],
  ])('with the platform’s status %s is %s', (platformStatus, status) => {
    expect(parseProposal(proposal(platformStatus))).toMatchObject({ status, platformStatus });
  });

  test('that the client interviews was seen and interviewed at its last change', () => {
    const changedAt = new Date(1757927620000);
    expect(parseProposal(proposal('Activated'))).toMatchObject({
      submittedAt: new Date(1757927520000),
      viewedAt: changedAt,
      interviewedAt: changedAt,
      hiredAt: null,
      sourceUpdatedAt: changedAt,
    });
  });

  test('with a status nobody knows is invalid rather than guessed', () => {
    expect(() => parseProposal(proposal('Sparkling'))).toThrow(
      expect.objectContaining({ details: { path: 'status.status' } }),
    );
  });
});

describe('errors of Upwork', () => {
  const scope = {
    message:
      'The client or authentication token doesn’t have enough oauth2 permissions/scopes to access: [User.email, Money.rawValue]',
    extensions: { classification: 'ExecutionAborted' },
  };

  test('the fields without scope are read from the message', () => {
    expect(fieldsWithoutScope(scope)).toEqual(['User.email', 'Money.rawValue']);
    expect(fieldsWithoutScope({ message: 'Transform timeout' })).toEqual([]);
  });

  test.each([
    [scope, 'platform.scope_missing'],
    [{ message: 'Field x is undefined', extensions: { classification: 'ValidationError' } }, 'platform.method_gone'],
    [{ message: 'VJCA-6: first must be at most 40' }, 'platform.request_invalid'],
    [{ message: 'Transform timeout' }, 'platform.unavailable'],
    [{ message: 'something new' }, 'platform.answer_invalid'],
  ])('%j', (error, code) => expect(graphqlFailure([error]).code).toBe(code));

  test('a block page of the edge pauses everybody, a plain 403 is a missing scope', () => {
    expect(edgeBlockMs({ status: 403, text: '<!DOCTYPE html><title>Attention</title>' })).toBe(300_000);
    expect(edgeBlockMs({ status: 403, text: '{"message":"no"}' })).toBeUndefined();
    expect(httpFailure(403, '{"message":"no"}')).toMatchObject({ code: 'platform.forbidden', kind: 'scope' });
  });
});

test('numbers become decimal text without an exponent', () => {
  expect([4.9, 100, 0, 1e-7, 12345678.9, null].map(decimalOf)).toEqual(['4.9', '100', '0', '0', '12345678.9', null]);
});

describe('settings and credentials', () => {
  test('unknown members and doubled searches are refused', () => {
    expect(upwork.settings.safeParse({ searches: [] }).success).toBe(false);
    expect(upwork.settings.safeParse({ saved_searches: [{ name: 'a' }, { name: 'a' }] }).success).toBe(false);
    expect(upwork.credential.safeParse({ access_token: 'a', refresh_token: 'b' }).success).toBe(false);
  });

  test('nothing at all is a valid setting', () => expect(upwork.settings.parse({})).toEqual({ saved_searches: [] }));
});
