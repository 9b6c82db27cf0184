import { adminKey, isAdminKey } from "../../../lab/doubles/convex/admin/admin-key";
import { polyval, seal, unseal } from "../../../lab/doubles/convex/admin/gcm-siv";

const hex = (text: string) => Buffer.from(text, "hex");

describe("AES-128-GCM-SIV", () => {
  test("POLYVAL of RFC 8452, appendix A", () => {
    const blocks = hex("4f4f95668c83dfb6401762bb2d01a262d1a24ddd2721d006bbe45f20d3c9f362");
    expect(polyval(hex("25629347589242761d31f826ba4b757b"), blocks).toString("hex")).toBe("f7a3b47b846119fae5b7866cf5e5b77e");
  });

  const key = "01000000000000000000000000000000";
  const nonce = "030000000000000000000000";
  // RFC 8452, appendix C.1: key, nonce, associated data, plaintext, result.
  test.each([
    [key, nonce, "", "", "dc20e2d83f25705bb49e439eca56de25"],
    [key, nonce, "", "0100000000000000", "b5d839330ac7b786578782fff6013b815b287c22493a364c"],
    [key, nonce, "", "010000000000000000000000", "7323ea61d05932260047d942a4978db357391a0bc4fdec8b0d106639"],
    [key, nonce, "", "01000000000000000000000000000000", "743f7c8077ab25f8624e2e948579cf77303aaf90f6fe21199c6068577437a0c4"],
    [key, nonce, "", "0100000000000000000000000000000002000000000000000000000000000000", "84e07e62ba83a6585417245d7ec413a9fe427d6315c09b57ce45f2e3936a94451a8e45dcd4578c667cd86847bf6155ff"],
    [key, nonce, "01", "0200000000000000", "1e6daba35669f4273b0a1a2560969cdf790d99759abd1508"],
    [key, nonce, "01", "02000000000000000000000000000000", "e2b0c5da79a901c1745f700525cb335b8f8936ec039e4e4bb97ebd8c4457441f"],
    [key, nonce, "010000000000000000000000", "02000000", "a8fe3e8707eb1f84fb28f8cb73de8e99e2f48a14"],
    ["36864200e0eaf5284d884a0e77d31646", "bae8e37fc83441b16034566b", "46bb91c3c5", "7a806c", "af60eb711bd85bc1e4d3e0a462e074eea428a8"],
  ])("RFC 8452, appendix C.1 (%#)", (k, n, associated, plaintext, result) => {
    expect(seal(hex(k), hex(n), hex(plaintext), hex(associated)).toString("hex")).toBe(result);
    expect(unseal(hex(k), hex(n), hex(result), hex(associated))?.toString("hex")).toBe(plaintext);
  });

  test("a changed text, and other associated data, do not open", () => {
    const sealed = seal(hex(key), hex(nonce), hex("0100"), hex("01"));
    const changed = Buffer.from(sealed);
    changed[0] ^= 1;
    expect(unseal(hex(key), hex(nonce), changed, hex("01"))).toBeUndefined();
    expect(unseal(hex(key), hex(nonce), sealed, hex("02"))).toBeUndefined();
    expect(unseal(hex(key), hex(nonce), sealed.subarray(0, 10), hex("01"))).toBeUndefined();
  });
});

describe("admin keys", () => {
  const secret = hex("0123456789abcdef".repeat(4));

  test("is what another implementation makes of the same instance, secret, time and nonce", () => {
    expect(adminKey("tv-goldviewfx", secret, 1_700_000_000, hex("000102030405060708090a0b"))).toBe(
      "tv-goldviewfx|01000102030405060708090a0be580b3d2b3cb44d473b7cc1335a47c5a9a929647c8b65334",
    );
  });

  test("opens its own instance, and no other", () => {
    const key = adminKey("tv-goldviewfx", secret);
    expect(isAdminKey(key, "tv-goldviewfx", secret)).toBe(true);
    expect(isAdminKey(key, "other", secret)).toBe(false);
    expect(isAdminKey(key.replace("tv-goldviewfx", "other"), "other", secret)).toBe(true);
    expect(isAdminKey(key, "tv-goldviewfx", hex("00".repeat(32)))).toBe(false);
    expect(isAdminKey(`${key}00`, "tv-goldviewfx", secret)).toBe(false);
    expect(isAdminKey("tv-goldviewfx|01", "tv-goldviewfx", secret)).toBe(false);
    expect(isAdminKey("", "tv-goldviewfx", secret)).toBe(false);
  });

  test("a key that was issued at no time is none", () => {
    expect(isAdminKey(adminKey("tv-goldviewfx", secret, 0), "tv-goldviewfx", secret)).toBe(false);
  });
});
