import { createHash } from "node:crypto";
import fc from "../../properties";
import { adminKey as doublesKey, isAdminKey } from "../../../lab/doubles/convex/admin/admin-key";
import { computeAdminKey, instanceOfAdminKey, openAdminKey, parseInstanceSecret } from "../../../scripts/data/convex/admin-key";

const secret = createHash("sha256").update("a secret").digest();
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((content) => Buffer.from(content));

test("a key is what the double's own implementation makes of the same secret, time and nonce", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/), bytes(32), fc.integer({ min: 1, max: 2 ** 40 }), bytes(12), (instance, of, issued, nonce) => {
      const key = computeAdminKey(instance, of, issued, nonce);
      expect(key).toBe(doublesKey(instance, of, issued, nonce));
      expect(isAdminKey(key, instance, of)).toBe(true);
      expect(openAdminKey(key, of)).toEqual({ instance, issued: new Date(issued * 1000) });
    }),
    { numRuns: 30 },
  );
});

test("one bit changed, and the key opens no more; another secret opens none", () => {
  const key = computeAdminKey("legacy", secret);
  expect(openAdminKey(key, createHash("sha256").update("another").digest())).toBeUndefined();
  const [instance, hex] = key.split("|");
  fc.assert(
    fc.property(fc.integer({ min: 2, max: hex.length - 1 }), (at) => {
      const changed = (Number.parseInt(hex[at], 16) ^ 1).toString(16);
      expect(openAdminKey(`${instance}|${hex.slice(0, at)}${changed}${hex.slice(at + 1)}`, secret)).toBeUndefined();
    }),
    { numRuns: 40 },
  );
});

test("two keys of the same second differ: a nonce is never used twice", () => {
  expect(computeAdminKey("i", secret, 5)).not.toBe(computeAdminKey("i", secret, 5));
});

test.each(["", "legacy", "legacy|", "legacy|02aa", "legacy|01zz", `|01${"ab".repeat(40)}`, `legacy|01${"ab".repeat(20)}`])("%p has not the form of a key", (text) => {
  expect(instanceOfAdminKey(text)).toBeUndefined();
  expect(openAdminKey(text, secret)).toBeUndefined();
});

test.each(["", "ab", "zz".repeat(32), "ab".repeat(33)])("the secret %p is refused without being repeated", (text) => {
  const thrown = (() => {
    try {
      parseInstanceSecret(text);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  })();
  expect(thrown).toMatch(/not 32 bytes of hex \(64 digits\)/);
  if (text.length > 2) expect(thrown).not.toContain(text);
});
