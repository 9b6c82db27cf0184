/** The pages of the double: plain HTML that names the pairs, and says that it is a double. */
import type { FrontendSettings } from "./environment";

const SECTIONS = { gold: "Gold", crypto: "Crypto" } as const;
type SectionName = keyof typeof SECTIONS;

/** Shows the newest candle of each pair, asked for as the app's pages do: through the proxy. */
const LIVE_PRICES = `
for (const row of document.querySelectorAll("[data-pair]")) {
  const query = new URLSearchParams({ pair: row.dataset.pair, interval: "1m", limit: "1" });
  fetch("/api/backend/bingx/market-data/candles?" + query, { cache: "no-store" })
    .then(async (answer) => {
      const body = await answer.json();
      const candles = Array.isArray(body) ? body : (body.data ?? []);
      row.querySelector("output").textContent = answer.ok ? (candles.length ? String(candles.at(-1).close) : "no candle yet") : "HTTP " + answer.status;
    })
    .catch((error) => { row.querySelector("output").textContent = String(error); });
}`;

/** The page of a path, or undefined when the double has none. */
export function page(path: string, settings: FrontendSettings): string | undefined {
  const pairs: Record<SectionName, readonly string[]> = { gold: settings.goldPairs, crypto: settings.cryptoPairs };
  if (path === "/") return html("Overview", (Object.keys(SECTIONS) as SectionName[]).map((s) => section(s, pairs[s])).join("\n"));
  if (path === "/gold") return html(SECTIONS.gold, section("gold", pairs.gold));
  if (path === "/crypto") return html(SECTIONS.crypto, section("crypto", pairs.crypto));
  return undefined;
}

function section(name: SectionName, pairs: readonly string[]): string {
  const rows = pairs.map((pair) => `<li data-pair="${escape(pair)}">${escape(pair)} <output>…</output></li>`).join("\n");
  return `<section data-section="${name}">\n<h2><a href="/${name}">${SECTIONS[name]}</a></h2>\n<ul>\n${rows}\n</ul>\n</section>`;
}

function html(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title} · GoldViewFX frontend (double)</title></head>
<body data-double="frontend">
<h1>GoldViewFX</h1>
<p><strong>This is the lab's double of the frontend</strong>: it has the app's paths and proxy, and none of its pages' content.</p>
${body}
<script>${LIVE_PRICES}
</script>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
