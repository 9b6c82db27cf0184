/** Runs inside the browser: what is wrong with the page as it is laid out. */

/** What sticks out, what leaves its box, what covers what. */
function faults() {
  const { scrollWidth } = document.scrollingElement;
  const tooWide = scrollWidth > innerWidth ? [`the page is ${scrollWidth} wide in a window of ${innerWidth}`] : [];
  const shown = [...document.querySelectorAll("svg.topology")].filter((svg) => svg.getBoundingClientRect().width > 0);
  if (shown.length !== 1) return [...tooWide, `${shown.length} drawings are shown`];
  const texts = [...shown[0].querySelectorAll("text[data-in]")];
  return [...tooWide, ...stickingOut(), ...(texts.length < 20 ? [`only ${texts.length} texts are drawn`] : []), ...outsideTheirBox(shown[0], texts), ...overlapping(texts)];
}

/** Wide tables scroll inside their frame; nothing else may leave the window. */
function stickingOut() {
  return [...document.querySelectorAll("main *, header *")]
    .filter((element) => !element.closest(".table"))
    .filter((element) => element.getBoundingClientRect().width > 0 && element.getBoundingClientRect().right > innerWidth + 0.5)
    .map((element) => `${element.tagName} "${element.textContent.slice(0, 30)}" ends at ${element.getBoundingClientRect().right}`);
}

function outsideTheirBox(svg, texts) {
  const boxes = new Map([...svg.querySelectorAll("rect[data-box]")].map((rect) => [rect.dataset.box, rect.getBBox()]));
  return texts
    .filter((text) => {
      const inner = text.getBBox();
      const outer = boxes.get(text.dataset.in);
      return inner.x < outer.x || inner.y < outer.y || inner.x + inner.width > outer.x + outer.width || inner.y + inner.height > outer.y + outer.height;
    })
    .map((text) => `"${text.firstChild.data}" leaves its box ${text.dataset.in}`);
}

function overlapping(texts) {
  const placed = texts.map((text) => ({ words: text.firstChild.data, box: text.getBBox() }));
  // Line boxes of neighbours may touch; letters must not.
  const cover = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
  return placed.flatMap((one, index) => placed.slice(index + 1).filter((other) => cover(one.box, other.box)).map((other) => `"${one.words}" and "${other.words}" overlap`));
}

/** Different colours of a picture, and how bright its corner is (0 to 255). */
async function pixels(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const [red, green, blue] = context.getImageData(2, 2, 1, 1).data;
  return { colours: new Set(new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size, corner: (red + green + blue) / 3 };
}

globalThis.inPage = { faults, pixels };
