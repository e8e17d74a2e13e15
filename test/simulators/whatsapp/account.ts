// The account's node and its lists: numbers, templates, subscribed apps, reports.

import { REPORTS } from './analytics.ts';
import { GraphFailure, invalidParameter } from './failure.ts';
import { fieldsOf, selected } from './fields.ts';
import { bodyOf, pageRequest, type GraphCall, type NodeOf } from './graph.ts';
import { handshake } from './handshake.ts';
import { pageOf } from './paging.ts';
import type { PhoneNumber, Template, Waba } from './world.ts';

type Call = GraphCall<NodeOf<'waba'>>;

const MAX_NUMBERS = 100;
const MAX_TEMPLATES = 1_000;
const NUMBER_DEFAULTS = [
  'verified_name',
  'code_verification_status',
  'display_phone_number',
  'quality_rating',
  'status',
  'id',
];
const TEMPLATE_DEFAULTS = ['name', 'components', 'language', 'status', 'category', 'previous_category', 'id'];
const WABA_DEFAULTS = ['id', 'name', 'timezone_id', 'currency', 'message_template_namespace'];

/** `GET /{waba}?fields=…`: plain members and reports beside each other. */
export function accountNode({ node: { waba }, request, parts }: Call): object {
  const fields = request.query.get('fields');
  const asked = fields === null ? [] : fieldsOf(fields);
  const plain = asked.filter(({ name }) => !(name in REPORTS)).map(({ name }) => name);
  const reports = asked.flatMap(({ name, modifiers }) => {
    const report = REPORTS[name];
    if (report === undefined) return [];
    const { answer, isEmpty } = report({ waba, modifiers, now: parts.now(), traps: parts.traps });
    return isEmpty && parts.traps.emptyReportsLeftOut ? [] : [[name, answer] as const];
  });
  const members = selected(shownAccount(waba), {
    fields: fields === null ? null : plain.join(','),
    defaults: WABA_DEFAULTS,
    type: 'WhatsAppBusinessAccount',
  });
  return { ...Object.fromEntries(reports), ...members };
}

function shownAccount({ id, name, currency, country }: Waba): Record<string, unknown> {
  return {
    id,
    name,
    currency,
    country,
    timezone_id: '1',
    message_template_namespace: `ns_${id}`,
    account_review_status: 'APPROVED',
    business_verification_status: 'VERIFIED',
    ownership_type: 'SELF_OWNED',
    is_enabled_for_insights: true,
  };
}

/** `GET /{waba}/phone_numbers`. */
export function numberList(call: Call): object {
  const fields = call.request.query.get('fields');
  return pageOf(call.node.waba.numbers, pageRequest(call, MAX_NUMBERS), {
    traps: call.parts.traps,
    shown: (number) => shownNumber(number, fields),
  });
}

/** A number as its list and its own node show it. */
export function shownNumber(number: PhoneNumber, fields: string | null): Record<string, unknown> {
  const { id, display, verifiedName, status, qualityRating, username, onboardedAt, throughput } = number;
  const node = {
    id,
    display_phone_number: display,
    verified_name: verifiedName,
    status,
    quality_rating: qualityRating,
    username,
    country_code: number.waba.country,
    country_dial_code: display.slice(1).split(' ')[0],
    code_verification_status: 'VERIFIED',
    unified_cert_status: 'APPROVED',
    name_status: 'APPROVED',
    account_mode: 'LIVE',
    host_platform: 'CLOUD_API',
    platform_type: 'CLOUD_API',
    messaging_limit_tier: 'TIER_1K',
    whatsapp_business_manager_messaging_limit: 'TIER_1K',
    is_official_business_account: false,
    is_on_biz_app: onboardedAt !== null,
    throughput: { level: throughput > 80 ? 'HIGH' : 'STANDARD' },
  };
  return selected(node, { fields, defaults: NUMBER_DEFAULTS, type: 'WhatsAppBusinessPhoneNumber' });
}

/** `GET /{waba}/message_templates`: a name stands there once per language. */
export function templateList(call: Call): object {
  const { query } = call.request;
  const matches = (template: Template): boolean =>
    (['name', 'status', 'category', 'language'] as const).every((name) => {
      const wanted = query.get(name);
      return wanted === null || template[name] === wanted;
    });
  const fields = query.get('fields');
  return pageOf(call.node.waba.templates.filter(matches), pageRequest(call, MAX_TEMPLATES), {
    traps: call.parts.traps,
    shown: ({ waba: _waba, previousCategory, ...template }) =>
      selected(
        { ...template, previous_category: previousCategory ?? undefined },
        { fields, defaults: TEMPLATE_DEFAULTS, type: 'WhatsAppMessageTemplate' },
      ),
  });
}

/** `GET /{waba}/template_analytics`: the report with its words in the query. */
export function templateReport({ node: { waba }, request, parts }: Call): object {
  const modifiers = Object.fromEntries(request.query);
  return REPORTS['template_analytics']!({ waba, modifiers, now: parts.now(), traps: parts.traps }).answer;
}

/** `GET /{waba}/subscribed_apps`. */
export function subscribedApps({ node: { waba } }: Call): object {
  const data = waba.subscriptions.map(({ app: { id, name }, callbackUrl }) => ({
    ...(callbackUrl === null ? {} : { override_callback_uri: callbackUrl }),
    whatsapp_business_api_data: { id, name, link: `https://www.facebook.com/games/?app_id=${id}` },
  }));
  return { data };
}

/** `POST /{waba}/subscribed_apps`: the token's app, with an address of its own once that passed the handshake. */
export async function subscribe({ node: { waba }, request, presented: { token } }: Call): Promise<object> {
  const { override_callback_uri: url, verify_token: verifyToken } = bodyOf(request);
  if (url !== undefined && (typeof url !== 'string' || typeof verifyToken !== 'string'))
    throw invalidParameter('Params override_callback_uri and verify_token must be strings');
  if (url !== undefined && !(await handshake(url, String(verifyToken))).isVerified) throw new GraphFailure(2_200);
  const { app } = token;
  dropSubscription(waba, app.id);
  waba.subscriptions.push({ app, callbackUrl: url ?? null });
  return { success: true };
}

/** `DELETE /{waba}/subscribed_apps`. */
export function unsubscribe({ node: { waba }, presented: { token } }: Call): object {
  dropSubscription(waba, token.app.id);
  return { success: true };
}

function dropSubscription({ subscriptions }: Waba, appId: string): void {
  const at = subscriptions.findIndex(({ app }) => app.id === appId);
  if (at >= 0) subscriptions.splice(at, 1);
}
