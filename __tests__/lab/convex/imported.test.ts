import fc from "../../properties";
import { canonicalPlaces } from "../../../lab/doubles/convex/values/canonical";
import { importedDocument } from "../../../lab/doubles/convex/values/document";
import { readText, toText } from "../../../lab/doubles/convex/values/text";
import type { Value } from "../../../lab/doubles/convex/values/value";

const head = '"_creationTime":1712345678901.5,"_id":"k1"';
const read = (members: string, notation?: "uniform" | "legacy") => importedDocument(`{${head},${members}}`, notation).text.slice(head.length + 2, -1);

test.each([
  ["spaces", ' "a" : [ 1 , 2.0 ]', '"a":[1,2.0]'],
  ["fields out of order", '"b":1,"a":2', '"a":2,"b":1'],
  ["a field twice: the last one counts", '"a":1,"a":2', '"a":2'],
  ["floats in another notation", '"a":[1.50,1E5,1e+21,0.0000001,123456789012345678901.0]', '"a":[1.5,100000.0,1e21,1e-7,1.2345678901234568e20]'],
  ["whole numbers beyond int64", '"a":[9223372036854775808,9223372036854775807,-9223372036854775808,-9223372036854775809]', '"a":[9.223372036854776e18,9223372036854775807,-9223372036854775808,-9.223372036854776e18]'],
  ["a zero with a sign, and no dot", '"a":-0', '"a":-0.0'],
  ["escapes that are not needed", '"a":"\\u0041\\/\\u00e9\\ud83d\\ude00"', '"a":"A/é😀"'],
  ["an int64 in the wire's notation", '"a":{"$integer":"BQAAAAAAAAA="}', '"a":5'],
  ["a zero with a sign as $float", '"a":{"$float":"AAAAAAAAAIA="}', '"a":-0.0'],
])("%s: written anew as an export would say it", (_what, members, text) => {
  expect(read(members)).toBe(text);
});

test.each([['"a":{"$bytes":"AQI="},"n":{"$float":"AAAAAAAA+H8="}'], ['"a":-0.0,"b":{},"c":[],"d":"\\u0001\\"","e":{"__proto__":1}'], ['"a":{"":null}']])("%s is kept to the letter", (members) => {
  expect(read(members)).toBe(members);
  expect(canonicalPlaces(`{${head},${members}}`)).toBeDefined();
});

test.each([
  ["half a surrogate pair", '"a":"\\ud800"', "surrogate pair"],
  ["a $float that a number can say", '"a":{"$float":"AAAAAAAA8D8="}', "Float64 1 should be encoded as a number"],
  ["a field with $", '"a":{"$other":1}', "Field name $other starts with '$'"],
  ["a field with $ after another", '"a":{"#":1,"$bytes":"AQI="}', "Field name $bytes starts with '$'"],
  ["a field outside ASCII", '"é":1', "non-control ASCII"],
  ["a system field of its own", '"_mine":1', "starts with an underscore"],
  ["a number with a leading zero", '"a":01', "expected"],
])("%s is refused", (_what, members, message) => {
  expect(() => read(members)).toThrow(message);
});

test("a creation time without a dot is refused, as is an id that is no string", () => {
  expect(() => importedDocument('{"_creationTime":1712345678901,"_id":"k1"}')).toThrow("InvalidCreationTimeError");
  expect(() => importedDocument('{"_creationTime":1.5,"_id":7}')).toThrow("InvalidIdError");
  expect(() => importedDocument("[1]")).toThrow("must be an object");
});

test('without "uniform" in the generated schema every number becomes a float, and marked values are refused', () => {
  expect(read('"a":5,"b":[9007199254740993]', "legacy")).toBe('"a":5.0,"b":[9007199254740992.0]');
  expect(() => read('"a":{"$bytes":"AQI="}', "legacy")).toThrow("starts with '$'");
});

test.each(["-0000000000000000000", "0123456789012345678901", "--1234567890123456789", "1-2345678901234567890", "9223372036854775808"])("%s is not canonical, and looking says so without an error", (written) => {
  expect(canonicalPlaces(`{${head},"v":${written}}`)).toBeUndefined();
});

/** Every kind of Convex value. */
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double(),
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => new Uint8Array(bytes)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: "grapheme-ascii", maxLength: 6 }).filter((name) => !name.startsWith("$")), tie("value"), { maxKeys: 4, noNullPrototype: false }),
  ),
}));

test("every value survives writing and reading, and what is written is canonical", () => {
  fc.assert(
    fc.property(value, (content) => {
      const line = `{${head},"v":${toText(content)}}`;
      expect(canonicalPlaces(line)).toBeDefined();
      expect(importedDocument(line).text).toBe(line);
      expect(toText(readText(line, "uniform"))).toBe(line);
    }),
  );
});

test("canonical is only what is written the same again: no character can be changed to something that is kept and means another text", () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.constantFrom(..."0123456789.eE+-,:{}[]\"\\ $u"), (content, at, character) => {
      const line = `{${head},"v":${toText(content)}}`;
      // By code points: what comes out of UTF-8 has no halves of surrogate pairs.
      const characters = [...line];
      characters[at % characters.length] = character;
      const changed = characters.join("");
      if (canonicalPlaces(changed)) expect(toText(readText(changed, "uniform"))).toBe(changed);
    }),
    { numRuns: 500 },
  );
});
