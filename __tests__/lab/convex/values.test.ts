import { importedDocument, newDocument, patched } from "../../../lab/doubles/convex/values/document";
import { compareValues } from "../../../lab/doubles/convex/values/order";
import { decodeInt64, decodeWire, encodeClean, encodeInt64, encodeWire, type Value } from "../../../lab/doubles/convex/values/value";
import { fromText, toText } from "../../../lab/doubles/convex/values/text";

describe("the snapshot's text", () => {
  test.each<[Value, string]>([
    [1, "1.0"],
    [1n, "1"],
    [-0, "-0.0"],
    [1e21, "1e21"],
    [1.25e-7, "1.25e-7"],
    [1e-5, "0.00001"],
    [9e-6, "9e-6"],
    [9007199254740992, "9007199254740992.0"],
    [1e16, "1e16"],
    [5e-324, "5e-324"],
    [1.7976931348623157e308, "1.7976931348623157e308"],
    [9223372036854775807n, "9223372036854775807"],
    [1.5, "1.5"],
    [9007199254740993n, "9007199254740993"],
    ["a\"b\u0000é", '"a\\"b\\u0000é"'],
    [{ a: [1n, 1, null, true], b: { c: "x" } }, '{"a":[1,1.0,null,true],"b":{"c":"x"}}'],
    [{ b: 1n, _id: "x", Z: null, a: 2n }, '{"Z":null,"_id":"x","a":2,"b":1}'],
    [new Uint8Array([1, 2]), '{"$bytes":"AQI="}'],
  ])("%p is written %s and read back the same", (value, text) => {
    expect(toText(value)).toBe(text);
    expect(fromText(text)).toEqual(value);
  });

  test("what is no number has its own notation", () => {
    expect(fromText(toText(Number.NaN))).toBeNaN();
    expect(fromText(toText({ x: -Infinity }))).toEqual({ x: -Infinity });
  });

  test("a whole number inside a string is no int64", () => {
    expect(fromText('{"a":"x: 1, y","b":2.0}')).toEqual({ a: "x: 1, y", b: 2 });
  });

  test("text that is no JSON names the place", () => {
    expect(() => fromText('{"a":1,}')).toThrow("expected a string at character 7");
    expect(() => fromText('{"a":1} x')).toThrow("expected the end");
  });
});

describe("documents", () => {
  const line = '{"_creationTime":1712345678901.123,"_id":"k1","big":9007199254740993,"count":5,"note":"a, é\\n","price":5.0,"rate":1e-7}';

  test("an imported line is kept to the letter", () => {
    expect(importedDocument(line)).toEqual({ id: "k1", creationTime: 1712345678901.123, text: line });
  });

  test("a patch changes the named members only", () => {
    expect(patched(importedDocument(line), { price: 6, note: undefined, more: 1n, _id: "no" }).text).toBe(
      '{"_creationTime":1712345678901.123,"_id":"k1","big":9007199254740993,"count":5,"more":1,"price":6.0,"rate":1e-7}',
    );
  });

  test("a line without id or time gets them", () => {
    const document = importedDocument('{"count":5}');
    expect(document.id).toMatch(/^[0-9a-z]{32}$/);
    expect(fromText(document.text)).toEqual({ _id: document.id, _creationTime: document.creationTime, count: 5n });
  });

  test("new documents differ in id and time, and leave out what is undefined", () => {
    const [first, second] = [newDocument({ a: 1, b: undefined }), newDocument({ a: 1 })];
    expect(first.id).not.toBe(second.id);
    expect(second.creationTime).toBeGreaterThan(first.creationTime);
    expect(Object.keys(fromText(first.text) as object)).toEqual(["_creationTime", "_id", "a"]);
  });
});

describe("the wire", () => {
  test("timestamps and int64 are eight little-endian bytes in base64", () => {
    expect(encodeInt64(0n)).toBe("AAAAAAAAAAA=");
    expect(encodeInt64(1n)).toBe("AQAAAAAAAAA=");
    expect(decodeInt64(encodeInt64(-5n))).toBe(-5n);
    expect(decodeInt64(encodeInt64(1_795_554_459_924_000_000n))).toBe(1_795_554_459_924_000_000n);
    expect(() => decodeInt64("AAAA")).toThrow("3 bytes");
  });

  test("a plain number is a float, marked values are what they stand for", () => {
    const wire = { n: 1, i: { $integer: "AQAAAAAAAAA=" }, b: { $bytes: "AQI=" }, plain: { $other: "x" } };
    expect(decodeWire(wire)).toEqual({ n: 1, i: 1n, b: new Uint8Array([1, 2]), plain: { $other: "x" } });
    expect(encodeWire(decodeWire(wire))).toEqual(wire);
  });

  test("clean JSON has digits for an int64 and base64 for bytes", () => {
    expect(encodeClean({ i: 12n, b: new Uint8Array([1, 2]), l: [1] })).toEqual({ i: "12", b: "AQI=", l: [1] });
  });
});

test("values of all kinds have one order", () => {
  const ordered: (Value | undefined)[] = [undefined, null, 1n, 2n, 1, 1.5, false, true, "a", "b", new Uint8Array([1]), [1], [1, 2], { a: 1 }];
  const shuffled = [...ordered.slice(7), ...ordered.slice(0, 7)].reverse();
  expect(shuffled.filter((value) => value !== undefined).sort(compareValues)).toEqual(ordered.slice(1));
  expect(compareValues(undefined, null)).toBeLessThan(0);
  expect(compareValues({ a: [1] }, { a: [1] })).toBe(0);
});
