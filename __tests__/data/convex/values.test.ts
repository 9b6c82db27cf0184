import { isArrayBuffer } from "node:util/types";
import fc from "../../properties";
import { toText } from "../../../lab/doubles/convex/values/text";
import { convexToJson, jsonToConvex } from "convex/values";
import { differingFields, parseExported, sameValue } from "../../../scripts/data/convex/values";

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double(),
    fc.constantFrom(-0, NaN, Infinity, 1, 1e21, 5e-324),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => bytes.slice().buffer),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/), tie("value"), { maxKeys: 4 }),
  ),
}));
/** The double says bytes by a view on them. */
const forDouble = (given: unknown): unknown => {
  if (isArrayBuffer(given)) return new Uint8Array(given);
  if (Array.isArray(given)) return given.map(forDouble);
  return given !== null && typeof given === "object" ? Object.fromEntries(Object.entries(given).map(([name, field]) => [name, forDouble(field)])) : given;
};
type Value = Parameters<typeof sameValue>[0];

test("an export's line and the API's answer are read into the same value, whatever its kind", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/), value), (fields) => {
      const exported = parseExported(toText(forDouble(fields) as Parameters<typeof toText>[0]));
      const answered = jsonToConvex(JSON.parse(JSON.stringify(convexToJson(fields as Parameters<typeof convexToJson>[0]))) as Parameters<typeof jsonToConvex>[0]);
      expect(sameValue(exported, answered)).toBe(true);
    }),
  );
});

test.each<[string, Value, Value]>([
  ["an int64 and a float", 1n, 1],
  ["zeros of either sign", 0, -0],
  ["an absent field and null", {}, { a: null }],
  ["a field that is undefined and none", { a: 1 }, { b: 1 }],
  ["bytes of another length", new Uint8Array([1]).buffer, new Uint8Array([1, 2]).buffer],
  ["bytes and text", new Uint8Array([97]).buffer, "a"],
  ["a list and an object", [], {}],
  ["lists in another order", [1n, 2n], [2n, 1n]],
  ["an int64 beyond 2^53 and its neighbour", 9007199254740993n, 9007199254740992n],
])("%s are not the same", (_what, left, right) => {
  expect(sameValue(left, right)).toBe(false);
});

test("NaN is the same as NaN, and a difference deep inside names its field", () => {
  expect(sameValue([NaN], [NaN])).toBe(true);
  expect(differingFields(parseExported('{"_id":"k","a":{"b":[1]},"c":2.0}'), parseExported('{"_id":"k","a":{"b":[1.0]},"c":2.0,"d":null}'))).toEqual(["a", "d"]);
});

test("numbers inside of strings stay text; what an int64 cannot hold is a float, as the import reads it", () => {
  expect(parseExported('{"a":"1.0 \\" 2","b":-0,"c":9223372036854775808,"d":-9223372036854775808}')).toEqual({ a: '1.0 " 2', b: -0, c: 9223372036854775808, d: -9223372036854775808n });
});

test.each(["[1]", "1", "", '{"a":', "null"])("%p is no document", (line) => {
  expect(() => parseExported(line)).toThrow(SyntaxError);
});
