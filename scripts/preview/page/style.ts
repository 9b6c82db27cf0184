/** The page's style sheet: system fonts, light and dark, from a phone to a desk. */
import { raw } from "./html";

/** Colours of lanes. */
const LIGHT_HUES = ["#9a7300", "#5d6675", "#2460b0", "#0d7f72", "#7448bd", "#b83257", "#bd5c08", "#44801c", "#087b9b"];
const DARK_HUES = ["#e3b93f", "#a3adbd", "#74a9f0", "#4cc5b4", "#b394f0", "#f07f9d", "#f0a05a", "#93cf66", "#5cc3e0"];

/** How many colours lanes have before they repeat. */
export const HUES = LIGHT_HUES.length;

const colours = (hues: readonly string[]): string => hues.map((hue, index) => `--hue${index}:${hue}`).join(";");
const strokes = LIGHT_HUES.map((_, index) => `.hue${index}{stroke:var(--hue${index});--wire:var(--hue${index})}`).join("\n");

export const STYLE = raw(`
:root{color-scheme:light dark;
  --paper:#fbfaf7;--card:#fff;--ink:#1c1e22;--quiet:#5c626c;--line:#e3dfd5;--tint:#f3f0e8;--gold:#8a6700;--attention:#9a3c00;--attention-tint:#fdf0e2;
  ${colours(LIGHT_HUES)}}
@media (prefers-color-scheme:dark){:root{
  --paper:#131519;--card:#1a1d22;--ink:#e8e6e0;--quiet:#a0a6b1;--line:#343943;--tint:#20242a;--gold:#e3b93f;--attention:#f5a765;--attention-tint:#33261a;
  ${colours(DARK_HUES)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth;scroll-padding-top:3.25rem}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main,header{max-width:1152px;margin:0 auto;padding:0 16px}
header{padding-top:2.25rem}
.eyebrow{margin:0;color:var(--gold);font-size:.8rem;font-weight:600;letter-spacing:.06em;text-transform:uppercase}
h1{margin:.1rem 0 1.25rem;font-size:clamp(1.9rem,5vw,2.6rem);line-height:1.1;letter-spacing:-.02em;overflow-wrap:anywhere}
h2{margin:0 0 .25rem;font-size:1.25rem;letter-spacing:-.01em}
h3{margin:0;font-size:1rem}
section{margin:2.75rem 0}
dd,section>p{overflow-wrap:anywhere}
section>p{margin:0 0 1rem;max-width:68ch;color:var(--quiet)}
code,.mono,text.port{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace}
code,.mono{font-size:.86em;overflow-wrap:anywhere}
a{color:inherit}
nav{position:sticky;top:0;z-index:1;background:var(--paper);border-bottom:1px solid var(--line);margin-top:1.5rem}
nav div{max-width:1152px;margin:0 auto;padding:0 16px;display:flex;gap:1.25rem;overflow-x:auto;scrollbar-width:none}
nav a{padding:.7rem 0;color:var(--quiet);text-decoration:none;white-space:nowrap;font-size:.92rem}
nav a:hover{color:var(--ink)}
.digest{display:grid;grid-template-columns:max-content 1fr;margin:0;border:1px solid var(--line);border-radius:10px;background:var(--card);overflow:hidden}
.digest dt,.digest dd{margin:0;padding:.55rem .9rem;border-top:1px solid var(--line)}
.digest dt{color:var(--quiet);padding-right:0}
.digest dt:first-of-type,.digest dt:first-of-type+dd{border-top:0}
.digest .attention{background:var(--attention-tint);color:var(--attention)}
.stacks{margin:0;padding:0;list-style:none;border:1px solid var(--line);border-radius:10px;background:var(--card)}
.stacks>li{padding:1rem 1rem 1.1rem}
.stacks>li+li{border-top:1px solid var(--line)}
.stacks .order{color:var(--gold);margin-right:.5rem}
.stacks p{margin:.1rem 0 .7rem;color:var(--quiet);font-size:.92rem}
.constructs{columns:2 26rem;column-gap:2.5rem;margin:0;font-size:.92rem}
.constructs div{display:grid;grid-template-columns:9rem 1fr;gap:1rem;padding:.15rem 0;break-inside:avoid}
.constructs dt{font-weight:600}
.constructs dd{margin:0;color:var(--quiet)}
.constructs span{display:inline-block;margin-right:.7em}
.above-table{margin:1.5rem 0 .6rem}
.table{overflow-x:auto;border:1px solid var(--line);border-radius:10px;background:var(--card)}
table{width:100%;border-collapse:collapse;font-size:.92rem}
th,td{padding:.55rem .8rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--quiet);font-weight:500;white-space:nowrap}
tbody th{font-weight:600}
th small{display:block;font-weight:400;color:var(--quiet)}
tbody th,.jobs td:nth-child(2),.jobs code,.grants td:nth-child(2){white-space:nowrap}
.jobs td:nth-child(3){min-width:8.5rem}
td small{display:block;color:var(--quiet);font-size:.88em;line-height:1.45}
.state{white-space:nowrap}
.attention{color:var(--attention)}
.field+.field{margin-top:.4rem}
.names{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.25rem;margin:0 0 1rem;font-size:.92rem}
.names dt{font-weight:600}
.names dd{margin:0;color:var(--quiet)}
details{margin-top:.9rem}
summary{cursor:pointer;color:var(--quiet);padding:.3rem 0}
.rules{margin:0;padding-left:1.2rem;columns:2;column-gap:2.5rem}
.rules li{break-inside:avoid;margin-bottom:.45rem}
footer{margin:3rem 0 2.5rem;color:var(--quiet);font-size:.88rem}
figure{margin:0}
figcaption{margin:.75rem 0 1.25rem;color:var(--quiet);font-size:.88rem;max-width:80ch}
.topology{display:block;max-width:100%;height:auto}
.topology.narrow{display:none}
.topology text{fill:var(--ink)}
.topology text.name{font-weight:600}
.topology text.detail{fill:var(--quiet)}
.topology rect{fill:var(--card);stroke:var(--line)}
.topology .frame{fill:none;stroke:none}
.topology .node{fill:var(--tint)}
.topology .witness{fill:none;stroke:var(--quiet);stroke-dasharray:2 4}
.topology .job,.topology .copy{stroke:var(--quiet);stroke-opacity:.8}
.topology .copy{stroke-opacity:.35}
.topology .floating{stroke:var(--ink);stroke-dasharray:5 4}
.topology .people{stroke:var(--gold)}
.topology .outside{stroke:var(--quiet);stroke-opacity:.55}
.wires path,.wires circle{fill:none;stroke-width:1.6}
.wires .halo{stroke:var(--paper);stroke-width:3.4}
.wires g:hover path{stroke-width:3}
.wires circle,.wires .arrow{fill:var(--wire);stroke-width:1}
${strokes}
@media (max-width:760px){
  body{overflow-wrap:anywhere}
  .topology.wide{display:none}
  .topology.narrow{display:block;margin:0 auto}
  .rules{columns:1}
  .constructs div{display:block;padding:.25rem 0}
  .digest{grid-template-columns:1fr}
  .digest dt{padding-bottom:0;font-size:.85rem}
  .digest dd{padding-top:0;border-top:0}
  .names{grid-template-columns:1fr;gap:0}
  .names dd{margin-bottom:.5rem}
  thead{display:none}
  table,tbody,tr,th,td{display:block}
  tr{padding:.6rem 0;border-top:1px solid var(--line)}
  tbody tr:first-child{border-top:0}
  th,td{padding:.12rem .9rem;border:0}
  td[data-label]{display:grid;grid-template-columns:5.5rem 1fr;gap:.75rem}
  td[data-label]::before{content:attr(data-label);color:var(--quiet)}
  tbody th,.jobs td:nth-child(2),.jobs code,.grants td:nth-child(2){white-space:normal}
}
`);
