/** The preview as one page that needs nothing but itself. */
import type { PlatformModel } from "./model";
import { documentPage } from "./page/document";
import { html } from "./page/html";
import { digestList, sections } from "./page/sections";
import { STYLE } from "./page/style";

export function previewPage(model: PlatformModel): string {
  return documentPage({
    title: `${model.environment}: tv-goldviewfx platform`,
    style: STYLE,
    header: html`<header>
<p class="eyebrow">tv-goldviewfx platform, as it would be deployed</p>
<h1>${model.environment}</h1>
${digestList(model)}
</header>`,
    sections: sections(model),
  });
}
