/** One file that needs nothing but itself: it loads nothing, runs nothing, and may be sent and printed. */
import { html, type Html } from "./html";

export interface Section {
  /** For links within the page. */
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

export interface DocumentProps {
  readonly title: string;
  readonly style: Html;
  /** Above the links to the sections. */
  readonly header: Html;
  readonly sections: readonly Section[];
}

/** The whole text of an HTML page. */
export function documentPage({ title, style, header, sections }: DocumentProps): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
${header}
<nav aria-label="Sections"><div>${sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a>`)}</div></nav>
<main>
${sections.map(({ id, title: name, body }) => html`<section id="${id}"><h2>${name}</h2>
${body}
</section>
`)}
</main>
</body>
</html>
`.toString();
}
