/** The drawing of the platform as inline SVG. */
import { html, raw, type Html } from "./page/html";
import { HUES } from "./page/style";
import type { PlatformModel } from "./model";
import { TEXT, type Box, type Drawing, type Label, type Wires } from "./topology/drawing";
import { layout, NARROW, WIDE } from "./topology/layout";

export type TopologyFormat = "wide" | "narrow";

/** How round the corners of wires are, in pixels. */
const CORNER = 5;

export function topologySvg(model: PlatformModel, format: TopologyFormat): Html {
  const drawing = layout(model, format === "wide" ? WIDE : NARROW);
  return html`<svg class="topology ${format}" viewBox="0 0 ${drawing.width} ${drawing.height}" width="${drawing.width}" height="${drawing.height}" role="img" aria-label="${summary(model)}">
${drawing.boxes.map(boxSvg)}
${wiresSvg(drawing)}
${drawing.labels.map(labelSvg)}
</svg>`;
}

function summary({ nodes, jobs, flows }: PlatformModel): string {
  return `${nodes.length} nodes, ${jobs.length} jobs and ${flows.length} flows between them; the tables below say the same in words`;
}

function boxSvg({ id, x, y, width, height, style }: Box): Html {
  return html`<rect data-box="${id}" class="${style}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${style === "people" || style === "outside" ? 14 : 7}"/>`;
}

function labelSvg({ in: box, x, y, text, whole, style, anchor }: Label): Html {
  return html`<text data-in="${box}" class="${style}" x="${round(x)}" y="${round(y)}" font-size="${TEXT[style].size}"${anchor && anchor !== "start" ? html` text-anchor="${anchor}"` : raw("")}>${text}${whole ? html`<title>${whole}</title>` : raw("")}</text>`;
}

/** Vertical lines first: what runs to a row passes over those of other lanes. */
function wiresSvg({ wires }: Drawing): Html {
  return html`<g class="wires">${wires.map((wire) => html`<path class="hue${wire.hue % HUES}" d="${trunk(wire)}"/>`)}
${wires.flatMap((wire) => wire.ends.map((_end, index) => html`<path class="halo" d="${branch(wire, index)}"/>`))}
${wires.map((wire) => html`<g class="hue${wire.hue % HUES}"><title>${wire.title}</title>${wire.ends.map((end, index) => html`<path d="${branch(wire, index)}"/>${endMark(end)}`)}</g>`)}</g>`;
}

function extremes({ ends }: Wires): readonly [number, number] {
  const ys = ends.map((end) => end.y);
  return [Math.min(...ys), Math.max(...ys)];
}

function trunk(wire: Wires): string {
  const [top, bottom] = extremes(wire);
  return `M${round(wire.x)} ${round(top + CORNER)}V${round(bottom - CORNER)}`;
}

function branch(wire: Wires, index: number): string {
  const [top, bottom] = extremes(wire);
  const { x, y } = wire.ends[index];
  if (y === top || y === bottom) return `M${round(wire.x)} ${round(y === top ? y + CORNER : y - CORNER)}Q${round(wire.x)} ${round(y)} ${round(wire.x + CORNER)} ${round(y)}H${round(x)}`;
  return `M${round(wire.x)} ${round(y)}H${round(x)}`;
}

/** An arrow for who is called, a dot for who calls. */
function endMark({ x, y, called }: Wires["ends"][number]): Html {
  if (called) return html`<path class="arrow" d="M${round(x - 3)} ${round(y - 3.5)}L${round(x + 4)} ${round(y)}L${round(x - 3)} ${round(y + 3.5)}Z"/>`;
  return html`<circle cx="${round(x)}" cy="${round(y)}" r="2.6"/>`;
}

function round(n: number): string {
  return String(Math.round(n * 10) / 10);
}
