// What a schema complained about, for people. A member that nobody knows is named only when it looks like a name: a secret that
// was pasted in a name's place must not come back in an answer, a log or a dead letter.

interface Issue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
}

/** Members of ours are words; a token of any platform has digits or is longer. */
const MEMBER = /^[a-z][a-z_]{0,29}$/i;

function said({ code, message, keys }: Issue): string {
  if (code !== 'unrecognized_keys' || keys === undefined) return message;
  const names = keys.map((key) => (MEMBER.test(key) ? JSON.stringify(key) : 'one that is no name'));
  return `unknown members: ${names.join(', ')}`;
}

/** `place: what is wrong`, with `top` for the value itself. No value is ever quoted. */
export function issueText(issue: Issue, top: string): string {
  return `${issue.path.map(String).join('.') || top}: ${said(issue)}`;
}

/** The same with every place under `what`: `body.name: what is wrong`. */
export function issueTextIn(issue: Issue, what: string): string {
  return `${[what, ...issue.path].map(String).join('.')}: ${said(issue)}`;
}
