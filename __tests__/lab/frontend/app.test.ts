import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { answer } from "../../../lab/doubles/frontend/app";
import { frontendSettings, type FrontendSettings } from "../../../lab/doubles/frontend/environment";
import { upstreamUrls } from "../../../lab/doubles/frontend/proxy";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let api: Server;
let seen: Seen[] = [];
let settings: FrontendSettings;

beforeAll(async () => {
  api = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      if (request.url === "/silent") return;
      if (request.url === "/moved") return void response.writeHead(302, { location: "/elsewhere" }).end();
      response.writeHead(request.url === "/missing" ? 404 : 200, { "content-type": "application/json" }).end('{"ok":true}');
    });
  });
  await new Promise<void>((ready) => api.listen(0, "127.0.0.1", ready));
  settings = frontendSettings({ API_BASE_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}`, API_TOKEN: "secret", NEXT_PUBLIC_MARKET_GOLD_PAIRS: "Gold-USDT,XAUTUSDT", NEXT_PUBLIC_MARKET_CRYPTO_PAIRS: "BTC-USDT" });
});
afterAll(() => {
  api.closeAllConnections();
  api.close();
});
beforeEach(() => {
  seen = [];
});

const ask = (path: string, init?: RequestInit): Promise<Response> => answer(new Request(`http://double:3000${path}`, init), settings);

describe("pages of the frontend's double", () => {
  const pairsOf = async (path: string): Promise<string[]> => [...(await (await ask(path)).text()).matchAll(/data-pair="([^"]+)"/g)].map((m) => m[1]);

  it("list the section's pairs, and say that they are a double's", async () => {
    expect(await pairsOf("/")).toEqual(["Gold-USDT", "XAUTUSDT", "BTC-USDT"]);
    expect(await pairsOf("/gold")).toEqual(["Gold-USDT", "XAUTUSDT"]);
    expect(await pairsOf("/crypto")).toEqual(["BTC-USDT"]);
    const page = await ask("/");
    expect(page.headers.get("x-gvfx-double")).toBe("frontend");
    expect(await page.text()).toContain("This is the lab's double of the frontend");
  });

  it("are only these three, and only read", async () => {
    expect((await ask("/ops")).status).toBe(404);
    expect((await ask("/gold", { method: "POST" })).status).toBe(405);
    expect(await (await ask("/gold", { method: "HEAD" })).text()).toBe("");
  });
});

describe("proxy of the frontend's double", () => {
  it("passes method, path, query and body on, with the server's token", async () => {
    const response = await ask("/api/backend/agents/a/kill-switch?x=1", { method: "POST", body: '{"enabled":true}', headers: { "content-type": "application/json", "x-actor": "operator" } });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ok: true });
    expect(response.headers.get("x-upstream-url")).toBe(`${settings.apiBaseUrl}/agents/a/kill-switch?x=1`);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ method: "POST", url: "/agents/a/kill-switch?x=1", body: '{"enabled":true}', headers: { authorization: "Bearer secret", "x-actor": "operator" } });
  });

  it("keeps a token that the browser brought", async () => {
    await ask("/api/backend/ops/alerts", { headers: { authorization: "Bearer own" } });
    expect(seen[0].headers.authorization).toBe("Bearer own");
  });

  it("passes errors and redirects through as they are", async () => {
    expect((await ask("/api/backend/missing")).status).toBe(404);
    const moved = await ask("/api/backend/moved");
    expect([moved.status, moved.headers.get("location")]).toEqual([302, "/elsewhere"]);
  });

  it("answers 504 when the API is silent for longer than its limit, and sends a write once", async () => {
    const response = await answer(new Request("http://double:3000/api/backend/silent", { method: "POST", body: "{}" }), { ...settings, proxyTimeoutMs: 2000 });
    expect(response.status).toBe(504);
    expect(await response.json()).toEqual({ error: "Upstream request timed out after 2000ms", upstream: `${settings.apiBaseUrl}/silent` });
    expect(seen).toHaveLength(1);
  });

  it("answers 502 when nothing listens", async () => {
    const response = await answer(new Request("http://double:3000/api/backend/health"), { ...settings, apiBaseUrl: "http://127.0.0.1:9" });
    expect([response.status, await response.json()]).toEqual([502, { error: "Upstream network error while forwarding request", upstream: "http://127.0.0.1:9/health" }]);
  });

  it("goes to port 8787 of the host that was asked when no address is configured, then to localhost", () => {
    const request = new Request("http://gold.example:3000/api/backend/health?a=b", { headers: { "x-forwarded-host": "shown.example:443, inner" } });
    expect(upstreamUrls(request, undefined).map(String)).toEqual(["http://shown.example:8787/health?a=b", "http://localhost:8787/health?a=b"]);
    expect(upstreamUrls(request, "http://api:1/base/").map(String)).toEqual(["http://api:1/base/health?a=b"]);
  });
});
