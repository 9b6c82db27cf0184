import { contractBreaches, frontendSettings } from "../../../lab/doubles/frontend/environment";

describe("settings of the frontend's double", () => {
  it("has the app's defaults", () => {
    expect(frontendSettings({})).toEqual({ apiBaseUrl: undefined, apiToken: undefined, proxyTimeoutMs: 45_000, goldPairs: ["XAUTUSDT", "PAXGUSDT"], cryptoPairs: ["ALGO-USDT", "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "BNB-USDT"] });
  });

  it("takes API_BASE_URL before NEXT_PUBLIC_API_BASE_URL, and the server's timeout key before the other", () => {
    const settings = frontendSettings({ NEXT_PUBLIC_API_BASE_URL: "http://b:1", API_BASE_URL: "http://a:1", API_PROXY_TIMEOUT_MS: "2", BACKEND_PROXY_TIMEOUT_MS: "1" });
    expect(settings).toMatchObject({ apiBaseUrl: "http://a:1", proxyTimeoutMs: 1 });
    expect(frontendSettings({ NEXT_PUBLIC_API_BASE_URL: "http://b:1", API_PROXY_TIMEOUT_MS: "2" })).toMatchObject({ apiBaseUrl: "http://b:1", proxyTimeoutMs: 2 });
  });

  it("refuses, all at once, a token that browsers would get and values that break the contract", () => {
    expect(() => frontendSettings({ NEXT_PUBLIC_API_TOKEN: "t", API_BASE_URL: "", BACKEND_PROXY_TIMEOUT_MS: "soon" })).toThrow(/API_BASE_URL is ""[\s\S]*BACKEND_PROXY_TIMEOUT_MS is "soon"[\s\S]*NEXT_PUBLIC_API_TOKEN is forbidden/);
  });

  it("looks only at the keys of the service", () => {
    expect(contractBreaches("frontend", { CONVEX_URL: "nonsense", PATH: "" })).toEqual([]);
    expect(contractBreaches("api", { TIMESCALE_URL: "postgres://a/b" })).toEqual([expect.stringContaining("CONVEX_URL is required by api and missing")]);
  });
});
