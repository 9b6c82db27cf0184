/** The scanner against JSON.parse: it takes what is JSON, and refuses beyond that only what the notation refuses. */
import fc from "../../properties";
import { floatText, valueText, type Value } from "../../../scripts/data/dataset/notation";
import { DocumentScanner } from "../../../scripts/data/snapshot/scanner";

const scanner = new DocumentScanner();
function scan(line: Buffer | string): boolean {
  const bytes = Buffer.concat([Buffer.from("junk\n"), Buffer.from(line), Buffer.from("\n")]);
  return scanner.scan(bytes, 5, bytes.length - 1);
}

/** What no JSON parser minds and an import of Convex does, or an export never writes. */
const NOTATION = /int64|JSON tool|surrogate|begins with \$|Convex's own notation|two fields|base64|not a string|only field|larger than any float|is written as \$float|nested deeper|UTF-8|value of \$|must have/;

/** Without half a surrogate pair. */
const wellFormed = (text: string): boolean => Buffer.from(text).toString() === text;

const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null), fc.boolean(), fc.double(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }).filter(wellFormed), fc.uint8Array(),
    fc.array(tie("value")), fc.dictionary(fc.string({ unit: "grapheme-ascii" }).filter((name) => !name.startsWith("$") && name !== "_id" && name !== "_creationTime"), tie("value")),
  ),
})).value;
const document = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/), value).map((fields) => valueText(fields));

test("every document that Convex can have is taken, and its _id found", () => {
  fc.assert(
    fc.property(document, fc.stringMatching(/^[0-9a-z]{31,37}$/), fc.double({ noNaN: true, noDefaultInfinity: true }), (text, id, time) => {
      const line = `{"_creationTime":${floatText(time)},"_id":"${id}"${text === "{}" ? "" : ","}${text.slice(1)}`;
      expect([scan(line), scanner.problem]).toEqual([true, ""]);
      expect(scanner.creationTime).toBe("float");
      expect(`junk\n${line}`.length).toBeGreaterThan(scanner.idEnd);
      expect(Buffer.from(`junk\n${line}\n`).toString("utf8", scanner.idStart, scanner.idEnd)).toBe(id);
    }),
    { numRuns: 150 },
  );
});

test("a line with changed bytes is taken only if it is JSON, and refused only if it is none or the notation refuses it", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.constantFrom(..."{}[]\",:0123456789.-+eE\\u$tfn \t\n", "\u0001", "é")), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(document, changes, (text, edits) => {
      let line = text;
      for (const [at, character] of edits) line = line.slice(0, at % (line.length + 1)) + character + line.slice((at % (line.length + 1)) + (at % 2));
      fc.pre(!line.includes("\n") && wellFormed(line));
      let parsed: unknown;
      try {
        parsed = JSON.parse(line);
      } catch {
        parsed = undefined;
      }
      const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
      if (scan(line)) expect([line, isObject]).toEqual([line, true]);
      else if (isObject) expect(scanner.problem).toMatch(NOTATION);
    }),
    { numRuns: 800 },
  );
});

test("numbers are told apart by field, however deep it is", () => {
  const own = new DocumentScanner();
  for (const line of ['{"a":1,"b":{"c":[1.5,2.0,{"d":7}]},"e":-0.0}', '{"a":2,"b":{"c":[3]},"x\\"y":1e300,"f":[[1],[2]]}']) {
    const bytes = Buffer.from(`${line}\n`);
    expect(own.scan(bytes, 0, bytes.length - 1)).toBe(true);
  }
  expect(own.numbers.all()).toEqual([
    { field: "a", int64: 2, wholeFloats: 0, brokenFloats: 0 },
    { field: "b.c[]", int64: 1, wholeFloats: 1, brokenFloats: 1 },
    { field: "b.c[].d", int64: 1, wholeFloats: 0, brokenFloats: 0 },
    { field: "e", int64: 0, wholeFloats: 1, brokenFloats: 0 },
    { field: 'x"y', int64: 0, wholeFloats: 1, brokenFloats: 0 },
    { field: "f[][]", int64: 2, wholeFloats: 0, brokenFloats: 0 },
  ]);
});

test.each([
  ['{"_id":"a","_id":"b"}', /two fields _id/],
  ['{"a":-0}', /-0 without a dot/],
  ['{"a":01}', /not written as JSON/],
  ['{"a":1.}', /no digit behind its dot/],
  ['{"a":1e999}', /larger than any float/],
  ['{"a":{"$float":"AAAAAAAA8D8="}}', /the float 1 is written as \$float/],
  ['{"a":{"$integer":"AAAA"}}', /has 3 bytes, and must have 8/],
  ['{"a":{"$bytes":"","b":1}}', /not the only field/],
  [`{"a":${"[".repeat(200)}${"]".repeat(200)}}`, /nested deeper than 127/],
  [Buffer.from('{"a":"\xff"}', "latin1"), /not UTF-8/],
  ['{"a":1} x', /text follows the object/],
  ['{"a":1,}', /a comma stands before the end/],
])("refused: %s", (line, expected) => {
  expect(scan(line)).toBe(false);
  expect(scanner.problem).toMatch(expected);
});

test("Convex's own notation of special values is taken", () => {
  expect(scan('{"a":{"$float":"AAAAAAAA+H8="},"b":{"$bytes":""},"c":{"$integer":"//////////8="},"d":{"$float":"AAAAAAAAAIA="}}')).toBe(true);
});
