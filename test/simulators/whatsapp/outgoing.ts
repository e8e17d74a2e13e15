// Whether the body of `POST /{number}/messages` is a message at all. Throws what Meta says of one that is not.

import { GraphFailure } from './failure.ts';
import type { Template, Waba } from './world.ts';

export type Body = Readonly<Record<string, unknown>>;

const MAX_TEXT = 4_096;
const MAX_CAPTION = 1_024;
const MAX_BUTTONS = 3;
const MAX_BUTTON_TITLE = 20;
const MAX_ROWS = 10;

/** Checks the member that `type` names, and returns the type. */
export function checkMessage(body: Body, waba: Waba): string {
  if (body['messaging_product'] !== 'whatsapp') throw missing('messaging_product');
  const type = body['type'] === undefined ? 'text' : textIn(body, 'type', 40);
  const check = CHECKS[type];
  if (check === undefined) throw new GraphFailure(131_051, { details: `Message type ${type} is not supported.` });
  check(objectIn(body, type), waba);
  return type;
}

type Check = (content: Body, waba: Waba) => void;

const checkFile: Check = (content) => {
  const isOne = (content['link'] === undefined) !== (content['id'] === undefined);
  if (!isOne) throw wrong('exactly one of link and id is required');
  if (content['link'] !== undefined && !/^https?:\/\//.test(textIn(content, 'link', MAX_TEXT)))
    throw new GraphFailure(131_052, { details: 'Bad link' });
  if (content['caption'] !== undefined) textIn(content, 'caption', MAX_CAPTION);
};

const CHECKS: Readonly<Record<string, Check>> = {
  text: (content) => void textIn(content, 'body', MAX_TEXT),
  image: checkFile,
  video: checkFile,
  audio: checkFile,
  document: checkFile,
  sticker: checkFile,
  reaction: (content) => void textIn(content, 'message_id', MAX_TEXT),
  location: (content) => {
    if (content['latitude'] === undefined || content['longitude'] === undefined) throw missing('latitude');
  },
  contacts: () => undefined,
  interactive: checkInteractive,
  template: checkTemplate,
};

function checkInteractive(content: Body): void {
  textIn(objectIn(content, 'body'), 'text', MAX_TEXT);
  const action = objectIn(content, 'action');
  const type = content['type'];
  if (type === 'button') {
    const buttons = listIn(action, 'buttons');
    if (buttons.length === 0 || buttons.length > MAX_BUTTONS) throw wrong(`expected 1 to ${MAX_BUTTONS} buttons`);
    for (const button of buttons) textIn(objectIn(button, 'reply'), 'title', MAX_BUTTON_TITLE);
  } else if (type === 'list') {
    const rows = listIn(action, 'sections').flatMap((section) => listIn(section, 'rows'));
    if (rows.length === 0 || rows.length > MAX_ROWS) throw wrong(`expected 1 to ${MAX_ROWS} rows`);
  } else if (type === 'cta_url') {
    textIn(objectIn(action, 'parameters'), 'display_text', MAX_BUTTON_TITLE);
    textIn(objectIn(action, 'parameters'), 'url', MAX_TEXT);
  } else throw wrong(`interactive type ${String(type)} is not known`);
}

/** A template is named by name and language; one that is not approved does not send. */
function checkTemplate(content: Body, waba: Waba): void {
  const name = textIn(content, 'name', 512);
  const language = textIn(objectIn(content, 'language'), 'code', 15);
  const template = waba.templates.find((candidate) => candidate.name === name && candidate.language === language);
  const details = `template name (${name}) does not exist in ${language}`;
  if (template === undefined) throw new GraphFailure(132_001, { details });
  if (template.status === 'PAUSED') throw new GraphFailure(132_015, { details: `template ${name} is paused` });
  if (template.status === 'DISABLED') throw new GraphFailure(132_016, { details: `template ${name} is disabled` });
  if (template.status !== 'APPROVED') throw new GraphFailure(132_001, { details });
  const [wanted, given] = [placesOf(template), parametersOf(content)];
  if (wanted === given) return;
  throw new GraphFailure(132_000, {
    details: `body: number of localizable_params (${given}) does not match the expected number of params (${wanted})`,
  });
}

/** `{{1}}`, `{{2}}`, … of its body. */
function placesOf({ components }: Template): number {
  const text = components.find(({ type }) => type === 'BODY')?.['text'];
  return typeof text === 'string' ? new Set(text.match(/\{\{\w+\}\}/g)).size : 0;
}

function parametersOf(content: Body): number {
  const components = content['components'] === undefined ? [] : listIn(content, 'components');
  const body = components.find(({ type }) => String(type).toLowerCase() === 'body');
  return body === undefined ? 0 : listIn(body, 'parameters').length;
}

function objectIn(body: Body, name: string): Body {
  const value = body[name];
  if (value === undefined) throw missing(name);
  if (typeof value !== 'object' || value === null) throw wrong(`${name} must be an object`);
  return value as Body;
}

function listIn(body: Body, name: string): readonly Body[] {
  const value = body[name];
  if (value === undefined) throw missing(name);
  if (!Array.isArray(value)) throw wrong(`${name} must be a list`);
  return value as readonly Body[];
}

function textIn(body: Body, name: string, max: number): string {
  const value = body[name];
  if (value === undefined || value === '') throw missing(name);
  if (typeof value !== 'string' || value.length > max) throw wrong(`${name} must be a text of at most ${max} signs`);
  return value;
}

function missing(name: string): GraphFailure {
  return new GraphFailure(131_008, { details: `Parameter ${name} is required` });
}

function wrong(details: string): GraphFailure {
  return new GraphFailure(131_009, { details });
}
