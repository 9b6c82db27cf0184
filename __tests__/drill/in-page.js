/** Runs inside the browser: what is wrong with the drill's report as it is laid out. */

function faults() {
  const tooWide = document.scrollingElement.scrollWidth > innerWidth ? [`the page is ${document.scrollingElement.scrollWidth} wide in a window of ${innerWidth}`] : [];
  const plots = [...document.querySelectorAll("svg.plot")];
  return [...tooWide, ...(plots.length === 0 ? ["no timeline is drawn"] : []), ...stickingOut(), ...plots.flatMap(overlapping), ...plots.flatMap(outside)];
}

/** Wide tables and drawings scroll inside their frame; nothing else may leave the window. */
function stickingOut() {
  return [...document.querySelectorAll("main *, header *")]
    .filter((element) => !element.closest(".table, .timeline") && element.getBoundingClientRect().width > 0 && element.getBoundingClientRect().right > innerWidth + 0.5)
    .map((element) => `${element.tagName} "${element.textContent.slice(0, 30)}" ends at ${element.getBoundingClientRect().right}`);
}

const labelsOf = (plot) => [...plot.querySelectorAll("text[data-label]")].map((text) => ({ words: text.firstChild.data, box: text.getBoundingClientRect() }));

function overlapping(plot) {
  // Line boxes of neighbours may touch; letters must not.
  const cover = (a, b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
  const labels = labelsOf(plot);
  return labels.flatMap((one, index) => labels.slice(index + 1).filter((other) => cover(one.box, other.box)).map((other) => `"${one.words}" and "${other.words}" overlap`));
}

function outside(plot) {
  const frame = plot.getBoundingClientRect();
  return labelsOf(plot).filter(({ box }) => box.left < frame.left - 0.5 || box.right > frame.right + 0.5 || box.top < frame.top - 2).map(({ words }) => `"${words}" leaves its drawing`);
}

globalThis.inPage = { faults };
