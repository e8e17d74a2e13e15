// The frame of our own pages: they work without script and load nothing but files of this server.

export const HTML = 'text/html; charset=utf-8';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** `title` and `body` are HTML. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Tidemark</title>
<link rel="icon" type="image/svg+xml" href="/assets/tidemark.svg">
<link rel="stylesheet" href="/assets/fonts.css">
<link rel="stylesheet" href="/assets/console.css">
</head>
<body class="sign-in">
<main>
<h1>Tidemark</h1>
${body}
</main>
</body>
</html>
`;
}
