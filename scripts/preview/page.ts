/** The preview as one page that needs nothing but itself. */
import type { PlatformModel } from "./model";
import { html } from "./page/html";
import { digestList, sections } from "./page/sections";
import { STYLE } from "./page/style";

export function previewPage(model: PlatformModel): string {
  const parts = sections(model);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${model.environment}: tv-goldviewfx platform</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="eyebrow">tv-goldviewfx platform, as it would be deployed</p>
<h1>${model.environment}</h1>
${digestList(model)}
</header>
<nav aria-label="Sections"><div>${parts.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</div></nav>
<main>
${parts.map(({ id, title, body }) => html`<section id="${id}"><h2>${title}</h2>
${body}
</section>
`)}
</main>
</body>
</html>
`.toString();
}
