import fc from "../properties";
import { FIRST_GENERATIONS, nextOf, parseRotation, stepOf, type Generations } from "../../contracts/rotation";

test("a rotation is three deploys, and ends with the next generation alone", () => {
  let generations: Generations = { accepted: [1], used: 1 };
  const seen = [];
  do {
    const next = nextOf(generations);
    seen.push([next.step, next.generations]);
    generations = next.generations;
  } while (stepOf(generations) !== undefined);
  expect(seen).toEqual([
    ["accept", { accepted: [1, 2], used: 1 }],
    ["use", { accepted: [1, 2], used: 2 }],
    ["retire", { accepted: [2], used: 2 }],
  ]);
});

test("at no deploy does a node use what another one, a deploy behind, does not accept", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 10 }), (first, steps) => {
      let before: Generations = { accepted: [first], used: first };
      for (let n = 0; n < steps; n++) {
        const { generations: after } = nextOf(before);
        expect(before.accepted).toContain(after.used);
        expect(after.accepted).toContain(before.used);
        before = after;
      }
    }),
  );
});

test("what it writes, it reads", () => {
  expect(parseRotation(JSON.stringify(FIRST_GENERATIONS), "x.json")).toEqual(FIRST_GENERATIONS);
});

test.each([
  ["no JSON", "{", /x\.json does not say/],
  ["a key that is not used by anyone", JSON.stringify({ ...FIRST_GENERATIONS, authority: { accepted: [1, 2], used: 3 } }), /3 is used and not accepted[\s\S]*authority\.used/],
  ["a gap", JSON.stringify({ ...FIRST_GENERATIONS, gossipKey: { accepted: [1, 3], used: 1 } }), /1 and 3 do not follow each other/],
  ["three at once", JSON.stringify({ ...FIRST_GENERATIONS, authority: { accepted: [1, 2, 3], used: 1 } }), /authority\.accepted/],
  ["a member too many", JSON.stringify({ ...FIRST_GENERATIONS, vault: 1 }), /vault/],
])("%s is refused with all that is wrong", (_what, text, message) => {
  expect(() => parseRotation(text, "x.json")).toThrow(message);
});

test("everything that is wrong is said at once", () => {
  expect(() => parseRotation(JSON.stringify({ authority: { accepted: [], used: 0 }, gossipKey: 1 }), "x.json")).toThrow(/gossipKey[\s\S]*managementToken[\s\S]*authority\.accepted/);
});
