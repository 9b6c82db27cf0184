/** The timeline of one repetition: who ran when, under both policies, as inline SVG that fits any width. */
import { fitted } from "../../preview/topology/drawing";
import { html, raw, type Html } from "../../preview/page/html";
import { disturbedAt, overlapsIn, pausesOf } from "../analysis";
import { lengthOf, type Interval } from "../analysis-intervals";
import { POLICIES, type CaseRun, type DrillEvent, type Policy } from "../result";
import { BESIDE, dimensionTexts, labelRows } from "./labels";
import { lanesOf, nodesOf, type Lane } from "./lanes";
import { percent, Scale } from "./scale";
import { timeText } from "./words";

/** Pixels. */
const ROW = 16;
const LANE = 24;
const BAR = 13;
const PHASE = 4;
const MEASURES = 21;
const BETWEEN = 12;
const AXIS = 24;
const NAMES_WIDTH = 132;
const POLICY_WIDTH = 46;
/** Share of the width below which a bar has no room for its number. */
const NUMBERED_FROM = 0.035;

interface Block {
  readonly policy: Policy;
  readonly top: number;
  readonly lanes: readonly Lane[];
  /** Where the lanes end and the measures begin. */
  readonly bottom: number;
}

/** @param id unique on the page */
export function timelineHtml(run: CaseRun, id: string): Html {
  const scale = new Scale(run, disturbedAt(run));
  const nodes = nodesOf(run);
  const events = run.events.toSorted((a, b) => a.at - b.at);
  const labels = labelRows(events.map(({ at, what }) => ({ share: scale.share(at), text: what })));
  const rows = 1 + Math.max(-1, ...labels.map(({ row }) => row));
  let y = rows * ROW + 6;
  const blocks = POLICIES.map((policy): Block => {
    const lanes = lanesOf(policy, run, nodes);
    const block = { policy, top: y, lanes, bottom: y + lanes.length * LANE };
    y = block.bottom + MEASURES + BETWEEN;
    return block;
  });
  const bottom = y - BETWEEN;
  const height = bottom + AXIS;
  return html`<div class="timeline" role="group" tabindex="0" aria-label="Timeline of ${run.title}, repetition ${run.repetition}">
<svg class="lane-names" width="${NAMES_WIDTH}" height="${height}" aria-hidden="true">${blocks.map((block) => namesSvg(block, run))}<text class="quiet" x="${NAMES_WIDTH - 10}" y="${bottom + 16}" text-anchor="end">seconds</text></svg>
<svg class="plot" width="100%" height="${height}" role="img" aria-labelledby="${id}-words">
<title id="${id}-words">${inWords(run)}</title>
${faultSvg(run, scale, rows * ROW + 2, bottom)}${axisSvg(scale, rows * ROW + 2, bottom)}
${events.map((event, index) => eventLine(event, scale.x(event.at), (rows - labels[index].row) * ROW, bottom))}
${blocks.map((block) => blockSvg(block, run, scale))}
${events.map((event, index) => eventText(event, scale.x(event.at), (rows - labels[index].row) * ROW, labels[index]))}
</svg></div>`;
}

/** What the drawing shows, for who does not see it. */
function inWords(run: CaseRun): string {
  return POLICIES.map((policy) => {
    const { overlapMs, longestGapMs, starts } = run.measures[policy];
    return `${policy}: two at once for ${timeText(overlapMs)}, longest time without one ${timeText(longestGapMs)}, ${starts} started`;
  }).join("; ");
}

function namesSvg({ policy, top, lanes, bottom }: Block, { measures }: CaseRun): Html {
  const { overlapMs } = measures[policy];
  return html`<text class="policy" x="0" y="${top + 15}">${policy}</text>${lanes.map(({ node }, index) => {
    const { text, whole } = fitted(index > 0 && lanes[index - 1].node === node ? "at once" : node, NAMES_WIDTH - POLICY_WIDTH - 12, "detail");
    return html`<text class="quiet" x="${NAMES_WIDTH - 10}" y="${top + index * LANE + 15}" text-anchor="end">${text}${whole ? html`<title>${whole}</title>` : ""}</text>`;
  })}<text class="${overlapMs > 0 ? "twice" : "quiet"}" x="${NAMES_WIDTH - 10}" y="${bottom + 15}" text-anchor="end">overlap ${timeText(overlapMs)}</text>`;
}

/** From the first fault until the last heal. One that is over at once is a line alone: nothing undoes it. */
function faultSvg({ events }: CaseRun, scale: Scale, top: number, bottom: number): Html {
  const of = (wanted: DrillEvent["kind"]): number[] => events.filter(({ kind }) => kind === wanted).map(({ at }) => at);
  const [from, until] = [Math.min(...of("fault")), Math.max(...of("heal"))];
  if (!(until > from) || from === Infinity) return raw("");
  return html`<rect class="fault" x="${scale.x(from)}" width="${scale.width(from, until)}" y="${top}" height="${bottom - top}"/>`;
}

function axisSvg(scale: Scale, top: number, bottom: number): Html {
  return html`<g class="axis"><line x1="0" x2="100%" y1="${bottom}" y2="${bottom}"/>${scale.marks().map(({ at, text }) => {
    const share = scale.share(at);
    const anchor = share < 0.02 ? "start" : share > 0.98 ? "end" : "middle";
    return html`<line class="${text === "0" ? "zero" : "grid"}" x1="${percent(share)}" x2="${percent(share)}" y1="${top}" y2="${bottom + 4}"/><text x="${percent(share)}" y="${bottom + 16}" text-anchor="${anchor}">${text}</text>`;
  })}</g>`;
}

function blockSvg(block: Block, run: CaseRun, scale: Scale): Html {
  const { policy, top, lanes, bottom } = block;
  const overlaps = overlapsIn(policy, run);
  return html`<g class="${policy}">${lanes.map((lane, index) => laneSvg(lane, policy, top + index * LANE, run, scale))}${overlaps.map(
    (overlap) => html`<rect class="overlap" x="${scale.x(overlap.from)}" width="${scale.width(overlap.from, overlap.to)}" y="${top}" height="${bottom - top - 2}"><title>${overlap.instances.join(" and ")}: ${timeText(lengthOf(overlap))} at once</title></rect>`,
  )}${lanes.map((lane, index) => ordinalsSvg(lane, top + index * LANE, overlaps, run, scale))}${dimensionsSvg(policy, run, scale, top, bottom + 11)}</g>
`;
}

function laneSvg({ stretches, phases }: Lane, policy: Policy, top: number, run: CaseRun, scale: Scale): Html {
  const phaseTop = top + 2 + BAR + 1;
  return html`<line class="lane" x1="0" x2="100%" y1="${top + 2 + BAR}" y2="${top + 2 + BAR}"/>${stretches.map(({ instance, from, to, ordinal }) => html`<rect class="ran${ordinal % 2 ? "" : " even"}" x="${scale.x(from)}" width="${scale.width(from, to)}" y="${top + 2}" height="${BAR}"><title>${policy} ${ordinal}, ${instance}: ${spanText(Math.max(from, run.from), Math.min(to, run.to), scale)}</title></rect>`)}${phases.map(({ from, to, phase, reason, allocation }) => html`<rect class="phase ${phaseClass(phase)}" x="${scale.x(from)}" width="${scale.width(from, to)}" y="${phaseTop}" height="${PHASE}"><title>${phase}, allocation ${allocation}: ${spanText(from, to, scale)}${reason ? `; ${reason}` : ""}</title></rect>`)}`;
}

/** Each bar's number, where there is room, and beside the stripes of an overlap. */
function ordinalsSvg({ stretches }: Lane, top: number, overlaps: readonly Interval[], run: CaseRun, scale: Scale): Html {
  return html`${stretches.map(({ from, to, ordinal }) => {
    const start = Math.max(from, run.from);
    const clear = overlaps.find((overlap) => overlap.from <= start && start < overlap.to)?.to ?? start;
    return scale.share(to) - scale.share(clear) >= NUMBERED_FROM ? html`<text class="ordinal" x="${scale.x(clear)}" dx="5" y="${top + 12.5}">${ordinal}</text>` : "";
  })}`;
}

/** Phases that are drawn alike: stands by, holds the lease, or is on the way. */
function phaseClass(phase: string): string {
  return phase === "standby" || phase === "active" ? phase : "between";
}

function spanText(from: number, to: number, { zero }: Scale): string {
  return `${((from - zero) / 1_000).toFixed(1)} s to ${((to - zero) / 1_000).toFixed(1)} s`;
}

/** Overlaps first, then gaps, the longest first: what finds no room is in the tooltip of its line. */
function dimensionsSvg(policy: Policy, run: CaseRun, scale: Scale, top: number, y: number): Html {
  const byLength = (intervals: readonly Interval[]): Interval[] => intervals.toSorted((a, b) => lengthOf(b) - lengthOf(a));
  const all = [...byLength(overlapsIn(policy, run)).map((interval) => ({ ...interval, kind: "twice", text: `two at once ${timeText(lengthOf(interval))}` })), ...byLength(pausesOf(policy, run)).map((interval) => ({ ...interval, kind: "gap", text: `none ${timeText(lengthOf(interval))}` }))];
  const texts = dimensionTexts(all.map(({ from, to, text }) => ({ from: scale.share(from), to: scale.share(to), text })));
  return html`${all.map(({ from, to, kind, text }, index) => {
    const [x1, x2] = [scale.x(from), scale.x(to)];
    const place = texts[index];
    return html`<g class="dimension ${kind}"><title>${text}: ${spanText(from, to, scale)}</title><line class="edge" x1="${x1}" x2="${x1}" y1="${top}" y2="${y + 4}"/><line class="edge" x1="${x2}" x2="${x2}" y1="${top}" y2="${y + 4}"/><line x1="${x1}" x2="${x2}" y1="${y}" y2="${y}"/><line x1="${x1}" x2="${x1}" y1="${y - 4}" y2="${y + 4}"/><line x1="${x2}" x2="${x2}" y1="${y - 4}" y2="${y + 4}"/>${place ? html`<text data-label x="${percent(place.at)}" dx="${place.shift}" y="${y + 4}" text-anchor="${place.anchor}">${text}</text>` : ""}</g>`;
  })}`;
}

function eventLine({ kind }: DrillEvent, x: string, y: number, bottom: number): Html {
  return html`<line class="event ${kind}" x1="${x}" x2="${x}" y1="${y - 8}" y2="${bottom}"/>`;
}

/** Marks by shape, not by colour alone: a cross, an arrow head, a plus and a ring. */
const MARKS: Readonly<Record<DrillEvent["kind"], string>> = { fault: "M-4-4L4 4M-4 4L4-4", action: "M-3-4.5L4 0L-3 4.5Z", heal: "M0-4.5V4.5M-4.5 0H4.5", seen: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0" };

function eventText({ kind, what, at }: DrillEvent, x: string, y: number, { text, anchor }: { readonly text: string; readonly anchor: string }): Html {
  const shift = anchor === "end" ? -BESIDE : BESIDE;
  return html`<svg class="mark ${kind}" x="${x}" y="${y - 6}" overflow="visible"><path d="${MARKS[kind]}"/></svg><text data-label class="event-text" x="${x}" dx="${shift}" y="${y - 2}" text-anchor="${anchor}">${text}<title>${what} (${Math.round(at)} ms on the machines' clock)</title></text>
`;
}
