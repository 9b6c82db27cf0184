import fc from "../properties";
import { textWidth } from "../../scripts/preview/topology/drawing";
import { BESIDE, dimensionTexts, labelRows, type Anchor } from "../../scripts/drill/report/labels";
import { LEAST_WIDTH, Scale } from "../../scripts/drill/report/scale";

const words = fc.constantFrom("all is well", "server-2 killed", "Nomad starts a replacement", "server-1 cut off from Consul alone, but not from Nomad", "x".repeat(200));
const events = fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), text: words }), { maxLength: 9 });

/** Where a text lies at some width of the drawing. */
const box = (share: number, width: number, text: string, anchor: Anchor, shift: number): readonly [number, number] => {
  const [at, length] = [share * width + shift, textWidth(text, "detail")];
  return anchor === "start" ? [at, at + length] : anchor === "end" ? [at - length, at] : [at - length / 2, at + length / 2];
};
const apart = (one: readonly [number, number], other: readonly [number, number]): boolean => one[1] < other[0] || other[1] < one[0];
const pairs = <T>(all: readonly T[]): (readonly [T, T])[] => all.flatMap((one, index) => all.slice(index + 1).map((other) => [one, other] as const));

test("labels of events do not overlap, at the narrowest width and at any greater one", () => {
  fc.assert(
    fc.property(events, fc.constantFrom(1, 1.3, 2, 4), (given, stretched) => {
      const width = LEAST_WIDTH * stretched;
      const placed = labelRows(given).map((label, index) => ({ ...label, box: box(given[index].share, width, label.text, label.anchor, label.anchor === "end" ? -BESIDE : BESIDE) }));
      for (const { box: [left, right] } of placed) {
        expect(left).toBeGreaterThanOrEqual(-0.001);
        expect(right).toBeLessThanOrEqual(width + 0.001);
      }
      for (const [one, other] of pairs(placed)) if (one.row === other.row) expect(apart(one.box, other.box)).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test("of events close together the earlier stands higher, so that no line runs through a text", () => {
  const placed = labelRows([0.3, 0.302, 0.304].map((share, index) => ({ share, text: `event ${index}` })));
  expect(placed.map(({ row }) => row)).toEqual([2, 1, 0]);
  expect(placed.every(({ anchor }) => anchor === "start")).toBe(true);
});

test("a row that has room for a text is no place for it while the line of a later event comes down through it", () => {
  const placed = labelRows([{ share: 0.1, text: "x".repeat(10) }, { share: 0.2, text: "y".repeat(12) }, { share: 0.35, text: "z" }]);
  expect(placed.map(({ row }) => row)).toEqual([2, 1, 0]);
});

test("a text that no side has room for is cut, and kept whole for who asks", () => {
  const [label] = labelRows([{ share: 0.5, text: "x".repeat(200) }]);
  expect(label.text).toMatch(/^x+…$/);
  expect(label.whole).toBe("x".repeat(200));
});

test("texts of dimension lines do not overlap; the first always finds its place where there is one", () => {
  const dimensions = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b), text: "none 31.2 s" })), { maxLength: 8, minLength: 1 });
  fc.assert(
    fc.property(dimensions, fc.constantFrom(1, 1.3, 2, 4), (given, stretched) => {
      const placed = dimensionTexts(given);
      const boxes = placed.flatMap((place, index) => (place ? [box(place.at, LEAST_WIDTH * stretched, given[index].text, place.anchor, place.shift)] : []));
      for (const [one, other] of pairs(boxes)) expect(apart(one, other)).toBe(true);
      expect(placed[0]).toBeDefined();
    }),
    { numRuns: 400 },
  );
});

describe("the axis", () => {
  test("counts seconds from the fault, at most one mark in 46 pixels", () => {
    const scale = new Scale({ from: 992_000, to: 1_062_000 }, 1_000_000);
    expect(scale.marks().map(({ text }) => text)).toEqual(["0", "10", "20", "30", "40", "50", "60"]);
    expect(new Scale({ from: 0, to: 20_000 }, 10_000).marks().map(({ text }) => text)).toEqual(["−10", "−8", "−6", "−4", "−2", "0", "2", "4", "6", "8", "10"]);
    for (const length of [50, 900, 30_000, 300_000, 7_200_000]) expect(new Scale({ from: 0, to: length }, 0).marks().length).toBeLessThanOrEqual(Math.floor(LEAST_WIDTH / 46) + 1);
  });

  test("what lies outside is at the edge", () => {
    const scale = new Scale({ from: 100, to: 200 }, 100);
    expect([scale.x(50), scale.x(150), scale.x(900), scale.width(0, 150)]).toEqual(["0%", "50%", "100%", "50%"]);
    expect(new Scale({ from: 100, to: 100 }, 100).x(100)).toBe("0%");
  });
});
