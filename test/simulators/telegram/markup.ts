// Marked-up text becomes plain text and entities, whose offsets are UTF-16 units. Knows the simple tags and signs; what does
// not parse is refused as the platform refuses it.

import { badRequest } from './failure.ts';

export interface Entity {
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  readonly url?: string;
}

export interface MarkedText {
  readonly text: string;
  readonly entities: readonly Entity[];
}

const TAGS: Readonly<Record<string, string>> = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strikethrough',
  strike: 'strikethrough',
  del: 'strikethrough',
  code: 'code',
  pre: 'pre',
  a: 'text_link',
  blockquote: 'blockquote',
  'tg-spoiler': 'spoiler',
};
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };
const SIGNS: Readonly<Record<string, string>> = { '*': 'bold', _: 'italic', '~': 'strikethrough', '`': 'code' };
const RESERVED: ReadonlySet<string> = new Set('_*[]()~`>#+-=|{}.!');

/** `mode` is `parse_mode` as it came. */
export function markedText(text: string, mode: string): MarkedText {
  switch (mode.toLowerCase()) {
    case '':
      return { text, entities: [] };
    case 'html':
      return fromHtml(text);
    case 'markdownv2':
      return fromMarkdown(text);
    default:
      throw badRequest('unsupported parse_mode');
  }
}

interface Open {
  readonly tag: string;
  readonly offset: number;
  readonly url?: string;
}

class Marked {
  text = '';
  readonly entities: Entity[] = [];
  readonly open: Open[] = [];

  begin(tag: string, url?: string): void {
    this.open.push({ tag, offset: this.text.length, ...(url !== undefined && { url }) });
  }

  end(type: string): void {
    const { offset, url } = this.open.pop()!;
    const length = this.text.length - offset;
    if (length > 0) this.entities.push({ type, offset, length, ...(url !== undefined && { url }) });
  }

  done(): MarkedText {
    return { text: this.text, entities: this.entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length) };
  }
}

const HTML_PART = /<(?<close>\/?)(?<tag>[a-z-]+)(?<attributes>[^>]*)>|&(?<name>[a-z]+|#\d+);|(?<plain>[^<&]+|[<&])/gi;

function fromHtml(html: string): MarkedText {
  const marked = new Marked();
  for (const { groups = {} } of html.matchAll(HTML_PART)) {
    const { close, tag = '', attributes = '', name, plain } = groups;
    if (plain === '<') throw unparsable('unsupported start tag');
    if (plain !== undefined) marked.text += plain;
    else if (name !== undefined) marked.text += NAMED[name] ?? codePoint(name);
    else if (close === '') beginTag(marked, tag.toLowerCase(), attributes);
    else endTag(marked, tag.toLowerCase());
  }
  const left = marked.open.at(-1);
  if (left !== undefined) throw unparsable(`can't find end tag corresponding to start tag "${left.tag}"`);
  return marked.done();
}

function beginTag(marked: Marked, tag: string, attributes: string): void {
  if (TAGS[tag] === undefined) throw unparsable(`unsupported start tag "${tag}"`);
  marked.begin(tag, /href="(?<url>[^"]*)"/.exec(attributes)?.groups?.['url']);
}

function endTag(marked: Marked, tag: string): void {
  if (marked.open.at(-1)?.tag !== tag) throw unparsable('unmatched end tag');
  marked.end(TAGS[tag]!);
}

function codePoint(name: string): string {
  return name.startsWith('#') ? String.fromCodePoint(Number(name.slice(1))) : `&${name};`;
}

const MARKDOWN_PART =
  /\\(?<escaped>[!-/:-@[-`{-~])|\[(?<label>(?:\\.|[^\]\\])*)\]\((?<url>[^)]*)\)|(?<sign>\|\||__|[*_~`])|(?<plain>.)/gsu;

function fromMarkdown(source: string): MarkedText {
  const marked = new Marked();
  for (const { groups = {} } of source.matchAll(MARKDOWN_PART)) {
    const { escaped, label, url = '', sign, plain = '' } = groups;
    if (sign !== undefined) toggle(marked, sign);
    else if (label !== undefined) addLink(marked, label, url);
    else if (escaped === undefined && RESERVED.has(plain))
      throw unparsable(`character '${plain}' is reserved and must be escaped with the preceding '\\'`);
    else marked.text += escaped ?? plain;
  }
  const left = marked.open.at(-1);
  if (left !== undefined) throw unparsable(`can't find end of the entity "${left.tag}"`);
  return marked.done();
}

function toggle(marked: Marked, sign: string): void {
  const type = sign === '||' ? 'spoiler' : sign === '__' ? 'underline' : SIGNS[sign]!;
  if (marked.open.at(-1)?.tag === sign) marked.end(type);
  else marked.begin(sign);
}

function addLink(marked: Marked, label: string, url: string): void {
  marked.begin('link', url);
  marked.text += label.replaceAll(/\\(?<sign>.)/g, '$<sign>');
  marked.end('text_link');
}

function unparsable(what: string): Error {
  return badRequest(`can't parse entities: ${what}`);
}
