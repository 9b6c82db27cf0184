import fc from "../properties";
import { production } from "../../environments/production";
import type { Flow, Party } from "../../scripts/preview/model/flows";
import { lanes } from "../../scripts/preview/topology/lanes";
import { layout, NARROW, WIDE } from "../../scripts/preview/topology/layout";
import { LONG_NAMES, modelOf } from "./platform";

const model = modelOf(production);

const party = (id: string, kind: Party["kind"]): Party => ({ id, kind, label: id, detail: "" });
const rows: Party[] = [party("p0", "people"), party("p1", "people"), ...["a", "b", "c", "d", "e"].map((id) => party(id, "job")), party("out", "outside")];
const flow = fc.record({ from: fc.constantFrom(...rows.map(({ id }) => id)), to: fc.constantFrom("a", "b", "c", "d", "e", "out"), ports: fc.constant([]), what: fc.constant("") }).filter(({ from, to }) => from !== to);
const flowSets = fc.uniqueArray(flow, { selector: ({ from, to }) => `${from} ${to}`, maxLength: 30 });
const pairs = (flows: readonly Pick<Flow, "from" | "to">[]) => flows.map(({ from, to }) => `${from} ${to}`).sort();

describe("lanes", () => {
  test("say exactly the flows, no more and no fewer", () => {
    fc.assert(fc.property(flowSets, (flows) => {
      const said = lanes(rows, flows).flatMap(({ callers, called }) => callers.flatMap((from) => called.map((to) => ({ from, to }))));
      expect(pairs(said)).toEqual(pairs(flows));
    }));
  });

  test("in one column never pass each other's rows", () => {
    fc.assert(fc.property(flowSets, (flows) => {
      const taken = new Map<number, Set<number>>();
      for (const { callers, called, column } of lanes(rows, flows)) {
        const touched = [...callers, ...called].map((id) => rows.findIndex((row) => row.id === id));
        const own = taken.get(column) ?? new Set<number>();
        for (let row = Math.min(...touched); row <= Math.max(...touched); row += 1) {
          expect(own.has(row)).toBe(false);
          own.add(row);
        }
        taken.set(column, own);
      }
    }));
  });

  test("of a party that is not drawn are left out", () => {
    expect(lanes([party("a", "job")], [{ from: "a", to: "elsewhere", ports: [], what: "" }])).toEqual([]);
  });
});

describe.each([["wide", WIDE], ["narrow", NARROW]] as const)("%s drawing", (_format, measures) => {
  describe.each([["production", model], ["the longest names", modelOf(LONG_NAMES)]] as const)("of %s", (_name, drawn) => {
    const { width, height, boxes, labels, wires } = layout(drawn, measures);

    test("keeps everything on the sheet", () => {
      for (const box of boxes) {
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(width);
        expect(box.y + box.height).toBeLessThanOrEqual(height);
      }
      for (const wire of wires) expect(wire.x).toBeGreaterThan(0);
    });

    test("has no box over another, copies on their nodes apart", () => {
      const solid = boxes.filter(({ style }) => !["node", "witness", "frame"].includes(style));
      for (const [index, a] of solid.entries()) {
        for (const b of solid.slice(index + 1)) {
          const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
          expect({ a: a.id, b: b.id, apart }).toEqual({ a: a.id, b: b.id, apart: true });
        }
      }
    });

    test("draws every node, job, party and flow", () => {
      const ids = boxes.map(({ id }) => id);
      for (const node of drawn.nodes) expect(ids).toContain(`node ${node.name}`);
      for (const job of drawn.jobs) expect(ids).toContain(`${job.id} 0`);
      const ends = wires.reduce((sum, wire) => sum + wire.ends.length, 0);
      expect(ends).toBe(lanes(drawn.parties, drawn.flows).reduce((sum, { callers, called }) => sum + callers.length + called.length, 0));
      expect(labels.every(({ in: box }) => ids.includes(box))).toBe(true);
    });

    test("wires that meet a row do so apart", () => {
      const met = wires.flatMap(({ ends }) => ends.map(({ y }) => y)).sort((a, b) => a - b);
      expect(met.every((y, index) => index === 0 || y - met[index - 1] >= 4)).toBe(true);
    });
  });
});

test("copies stand where they may run", () => {
  const { boxes, labels } = layout(model, WIDE);
  const x = (id: string) => boxes.find((box) => box.id === id)!.x;
  expect(boxes.filter(({ id }) => id.startsWith("gvfx-api "))).toHaveLength(2);
  expect(boxes.filter(({ id }) => id.startsWith("gvfx-worker "))).toMatchObject([{ style: "floating" }]);
  expect(boxes.filter(({ id }) => id.startsWith("gvfx-postgres ")).map((box) => box.x)).toEqual([x("node server-1") + 8]);
  expect(labels.filter((label) => label.in === "gvfx-worker 0").map(({ text }) => text)).toEqual(["one copy, on either node", "any port → 9464"]);
});
