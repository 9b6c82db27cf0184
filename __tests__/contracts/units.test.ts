import fc from "../properties";
import { Duration, port, Size } from "../../contracts/units";

test("durations read and write themselves", () => {
  expect(Duration.parse("1h30m").milliseconds).toBe(5_400_000);
  expect(Duration.parse("365d").hours).toBe(8760);
  expect(Duration.parse("250ms").toString()).toBe("250ms");
  expect(Duration.seconds(0).toString()).toBe("0s");
  expect(Duration.seconds(15).nanoseconds).toBe(15_000_000_000);
});

test.each(["", "5", "5 s", "-5s", "1.5s", "s", "5x", "5s,"])("%p is no duration", (text) => {
  expect(() => Duration.parse(text)).toThrow(/is not a duration: write a number and a unit/);
});

test("property: a duration survives its own text", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => Duration.parse(Duration.ms(ms).toString()).milliseconds === ms));
});

test("sizes are binary", () => {
  expect(Size.parse("2GiB").mib).toBe(2048);
  expect(Size.parse("1GiB").toString()).toBe("1GiB");
  expect(Size.mebibytes(1536).toString()).toBe("1536MiB");
  expect(() => Size.parse("2GB")).toThrow(/binary unit/);
});

test("property: a size survives its own text", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 10 ** 6 }), (mib) => Size.parse(Size.mebibytes(mib).toString()).bytes === mib * 2 ** 20));
});

test.each([0, -1, 65_536, 1.5, Number.NaN])("%p is no port", (n) => {
  expect(() => port(n)).toThrow(/is not a port/);
});
