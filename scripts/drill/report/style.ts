/** What the report adds to the preview's style sheet. */
import { raw } from "../../preview/page/html";

const LIGHT = "--lease:#2460b0;--lease-pale:#6f9cd8;--plain:#7a5c00;--plain-pale:#b39644;--on-bar:#fff;--bad:#b3122b;--good:#1d6b3a;--stripe:#b3122b;--fault-tint:#f3e3cf;--fault-line:#9a3c00";
const DARK = "--lease:#74a9f0;--lease-pale:#4677b8;--plain:#d9b756;--plain-pale:#967a2b;--on-bar:#101216;--bad:#ff8791;--good:#7fd39a;--stripe:#ff6b78;--fault-tint:#3a2a1a;--fault-line:#f5a765";
/** Of the preview's, for paper. */
const LIGHT_BASE = "--paper:#fff;--card:#fff;--ink:#1c1e22;--quiet:#4d535c;--line:#d5d0c4;--tint:#f3f0e8;--gold:#8a6700;--attention:#9a3c00;--attention-tint:#fdf0e2";

/** Stripes for times with two at once, so that they are not told by colour alone. Drawn once; a reference stays inside the page. */
export const PATTERNS = raw(`<svg width="0" height="0" aria-hidden="true" class="patterns"><defs><pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="3" height="6" class="stripe"/></pattern></defs></svg>`);

export const STYLE = raw(`
:root{${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
h1.held{color:var(--good)}
h1.failed{color:var(--bad)}
:focus-visible{outline:2px solid var(--gold);outline-offset:2px}
.quiet{color:var(--quiet)}
.good{color:var(--good);font-weight:700}
.bad{color:var(--bad);font-weight:700}
.patterns{position:absolute}
.stripe{fill:var(--stripe)}
.policies{display:grid;grid-template-columns:1fr 1fr;gap:1rem;margin-top:1.25rem}
.card{border:1px solid var(--line);border-radius:10px;background:var(--card);padding:1rem 1.1rem}
.card.lease{border-top:4px solid var(--lease)}
.card.plain{border-top:4px dashed var(--plain)}
.card p{margin:.1rem 0;color:var(--quiet);font-size:.92rem}
.card .figure{margin-top:.7rem;color:var(--ink);font-size:2.1rem;line-height:1.15;font-weight:650;letter-spacing:-.02em}
.card .figure.second{font-size:1.4rem}
.card .figure.twice{color:var(--bad)}
.note{font-size:.88rem}
.cases td{width:13%;min-width:6.2rem}
.cases td:nth-last-child(-n+2){width:auto}
.cases .group th{background:var(--tint);color:var(--quiet);font-weight:500;padding-top:.35rem;padding-bottom:.35rem}
.cases th[scope=row]{white-space:normal;font-weight:500}
.time{font-weight:600;white-space:nowrap}
.bar{display:block;margin:.2rem 0}
.bar .twice{fill:url(#stripes);stroke:var(--stripe)}
.bar .gap{fill:var(--quiet)}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(19rem,1fr));gap:.4rem 1.5rem;margin:.75rem 0;padding:0;list-style:none;font-size:.9rem;color:var(--quiet)}
.key li{display:flex;gap:.7rem;align-items:flex-start}
.key svg{flex:none;margin-top:.15rem}
h3.group{margin:2rem 0 .5rem;color:var(--gold);font-size:.95rem;letter-spacing:.02em}
article{margin:0 0 2.25rem;scroll-margin-top:3.5rem}
h4{margin:0 0 .6rem;font-size:1.1rem}
.expectations th[scope=row]{font-weight:400;white-space:normal}
.expectations td{white-space:nowrap}
article figure{margin:.9rem 0 0;padding:.8rem .9rem;border:1px solid var(--line);border-radius:10px;background:var(--card)}
article figcaption{margin:0 0 .5rem;max-width:none;color:var(--ink);font-size:.92rem}
.broken{border-style:dashed}
article details{margin-top:.15rem}
article details p{font-size:.92rem;color:var(--quiet)}
.up{margin:.5rem 0 0;font-size:.88rem;text-align:right}
.timeline{display:grid;grid-template-columns:132px minmax(500px,1fr);overflow-x:auto}
.timeline svg{display:block}
.timeline:focus-visible{outline-offset:4px}
.timeline text{fill:var(--ink);font-size:11.5px}
.timeline .quiet,.timeline .axis text{fill:var(--quiet)}
.timeline text.policy{font-weight:650}
.timeline text.twice{fill:var(--bad);font-weight:700}
.axis line,.lane{stroke:var(--line)}
.axis .zero{stroke:var(--quiet);stroke-dasharray:1 3}
.fault{fill:var(--fault-tint)}
.lease .ran{fill:var(--lease)}
.lease .ran.even{fill:var(--lease-pale)}
.plain .ran{fill:var(--plain)}
.plain .ran.even{fill:var(--plain-pale)}
.timeline text.ordinal{fill:var(--on-bar);font-weight:650;font-size:10.5px}
.phase.standby{fill:none;stroke:var(--quiet);stroke-opacity:.55;stroke-width:1}
.phase.active{fill:var(--ink)}
.phase.between{fill:var(--gold)}
.overlap{fill:url(#stripes);stroke:var(--stripe);stroke-width:1.5}
.dimension line{stroke:var(--ink)}
.dimension .edge{stroke-opacity:.35;stroke-dasharray:2 3}
.dimension.twice line{stroke:var(--bad);stroke-width:2}
.dimension.twice .edge{stroke-width:1}
.timeline .dimension.twice text{fill:var(--bad);font-weight:700}
.timeline text[data-label]{paint-order:stroke;stroke:var(--card);stroke-width:7px;stroke-linejoin:round}
.event{stroke:var(--quiet);stroke-dasharray:2 3}
.event.fault{stroke:var(--fault-line);stroke-dasharray:none;stroke-width:1.5}
.event.action{stroke:var(--ink);stroke-dasharray:none}
.event.heal{stroke:var(--good);stroke-dasharray:6 3}
.mark path{fill:none;stroke:var(--quiet);stroke-width:1.6}
.mark.fault path{stroke:var(--fault-line);stroke-width:2}
.mark.action path{stroke:var(--ink);fill:var(--ink)}
.mark.heal path{stroke:var(--good);stroke-width:2}
.swatch{display:inline-block;width:.8em;height:.8em;margin-right:.5em}
.swatch.lease{background:var(--lease)}
.swatch.plain{background:var(--plain)}
@media (max-width:1000px) and (min-width:761px){.cases th,.cases td{padding:.5rem .5rem}.cases td{width:auto;min-width:5.4rem;max-width:7rem}.cases thead th{white-space:normal}.cases th[scope=row]{min-width:11rem}}
@media (max-width:760px){.policies{grid-template-columns:1fr}.cases td,.cases td:nth-last-child(-n+2){width:auto}.cases .group th{display:block}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{
  :root{color-scheme:light;${LIGHT};${LIGHT_BASE}}
  *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
  body{font-size:11px}
  nav,.up,details{display:none}
  figure,.card,tr{break-inside:avoid}
  h3,h4{break-after:avoid}
  .timeline{grid-template-columns:132px minmax(0,1fr);overflow:visible}
  main,header{max-width:none}
}
`);
