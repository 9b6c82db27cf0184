import fc from "../../properties";
import { setsKey, withAssignmentsOf, withValues } from "../../../scripts/data/move/env-file";

test("only the value changes: comments, order, line ends and other keys stay, byte by byte", () => {
  const text = "# CONVEX_URL=http://commented\n  export CONVEX_URL=\"http://a:1\"\r\nOTHER_CONVEX_URL=x\nCONVEX_URL_2=y\nCONVEX_URL=http://b\nLAST=z";
  expect(withValues(text, { CONVEX_URL: "http://new:3210" })).toBe("# CONVEX_URL=http://commented\n  export CONVEX_URL=http://new:3210\r\nOTHER_CONVEX_URL=x\nCONVEX_URL_2=y\nCONVEX_URL=http://new:3210\nLAST=z");
});

test("a value that means something to a shell is quoted", () => {
  expect(withValues("A=1\n", { A: "p$w'd `x`" })).toBe("A='p$w'\\''d `x`'\n");
});

test("a key that a file does not set is not added", () => {
  expect(withValues("A=1\n", { B: "2" })).toBe("A=1\n");
  expect([setsKey("#A=1", "A"), setsKey("export A=", "A"), setsKey("AA=1", "A")]).toEqual([false, true, false]);
});

const line = fc.oneof(fc.constantFrom("CONVEX_URL=http://a:1", "export CONVEX_URL='x'", "# CONVEX_URL=no", "A=$B", ""), fc.string({ unit: "grapheme-ascii" }).filter((text) => !/[\r\n]/.test(text) && !/CONVEX_URL\s*=/.test(text)));

test("back and forth is the file itself, whatever it holds and whatever value it gets", () => {
  fc.assert(
    fc.property(fc.array(line), fc.string({ unit: "grapheme-ascii" }).filter((value) => !/[\r\n]/.test(value)), (lines, value) => {
      const text = lines.join("\n");
      expect(withAssignmentsOf(withValues(text, { CONVEX_URL: value }), text, ["CONVEX_URL"])).toBe(text);
    }),
  );
});

test("what somebody else changed meanwhile stays when a key goes back", () => {
  expect(withAssignmentsOf("NEW=1\nCONVEX_URL=http://new\n", "CONVEX_URL='http://old' # here\n", ["CONVEX_URL"])).toBe("NEW=1\nCONVEX_URL='http://old' # here\n");
  expect(() => withAssignmentsOf("A=1\n", "CONVEX_URL=x\n", ["CONVEX_URL"])).toThrow("CONVEX_URL is set 0 times now and was set 1 times before");
});
