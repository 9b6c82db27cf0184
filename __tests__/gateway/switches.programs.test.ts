import { request } from "node:http";
import { SIDE_HEADER } from "../../constructs/gateway/haproxy";
import { switchesTemplate, SWITCH_SKEW } from "../../constructs/gateway/switches";
import { BackendDouble } from "./backend-double";
import { DnsDouble } from "./dns-double";
import { describeWithHaproxy, type GatewayOptions, LiveGateway, text, until } from "./live-gateway";

test("without a key, legacy serves and sections are closed", () => {
  expect(switchesTemplate("gvfx")).toBe('traffic {{ keyOrDefault "gvfx/traffic" "legacy" }}\nsections {{ keyOrDefault "gvfx/sections" "closed" }}\n');
});

/** GET by path as it is written: `fetch` would resolve dots and slashes first. */
function status(base: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base);
    request({ hostname, port, path, method: "GET", agent: false }, (response) => response.resume().on("end", () => resolve(response.statusCode ?? 0))).on("error", reject).end();
  });
}

describeWithHaproxy("the gateway as it runs", () => {
  let dns: DnsDouble;
  let nomad: BackendDouble;
  let legacy: BackendDouble;
  let gateways: { closed: LiveGateway; switched: LiveGateway; drained: LiveGateway; deaf: LiveGateway };

  // Together, since each takes most of a second to start.
  beforeAll(async () => {
    [dns, nomad, legacy] = await Promise.all([DnsDouble.start(), BackendDouble.start(), BackendDouble.start()]);
    for (const service of ["_gvfx-api-alloc", "_gvfx-frontend-alloc"]) dns.services.set(service, [nomad.port]);
    const start = (options: Omit<GatewayOptions, "dnsPort">) => LiveGateway.start({ dnsPort: dns.port, legacyPort: legacy.port, ...options });
    const [closed, switched, drained, deaf] = await Promise.all([start({ sections: "closed" }), start({ traffic: "legacy" }), start({}), start({ adminUnreachable: true })]);
    gateways = { closed, switched, drained, deaf };
    await Promise.all([closed, switched, drained].map((gateway) => gateway.serves()));
  });
  afterAll(async () => {
    await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
    await Promise.all([nomad.stop(), legacy.stop()]);
    dns.stop();
  });

  const PAGES = ["/gold", "/crypto", "/gold/", "/gold/x", "/%67old", "/g%6Fl%64", "//gold", "///crypto//", "/GOLD", "/gold?_rsc=1", "/gold.rsc", "/gold%2f", "/_next/data/b1/gold.json", "/_next/data/b1/crypto/x.json", "//_next//data/b1/%67old.json"];
  const UNCLEAR = ["/./gold", "/x/../gold", "/%2e%2e/gold", "/x/%2E%2E/crypto", "/%2567old", "/\\gold", "/%5cgold", "/gold%zz"];
  const OTHERS = ["/ops", "/goldfish", "/gold-rates", "/old/gold", "/_next/static/chunks/app/gold/page.js", "/api/backend/ideas?path=/../gold", "/100%25", "/trades/a%20b"];

  test("closed sections stay closed however their path is written; other pages are served; opening needs no reload", async () => {
    const gateway = gateways.closed;
    await until(async () => (await status(gateway.frontend, "/ops")) === 200, "the frontend serves");
    const answers = async (paths: string[]) => Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await status(gateway.frontend, path)] as const)));
    const all = (paths: string[], code: number) => Object.fromEntries(paths.map((path) => [path, code]));
    expect(await answers(PAGES)).toEqual(all(PAGES, 404));
    expect(await answers(UNCLEAR)).toEqual(all(UNCLEAR, 400));
    expect(await answers(OTHERS)).toEqual(all(OTHERS, 200));
    expect(nomad.received.filter((line) => [...PAGES, ...UNCLEAR].some((path) => line === `GET ${path}`))).toEqual([]);
    gateway.writeSwitches("nomad", "open");
    await until(async () => (await status(gateway.frontend, "/gold")) === 200, "the section opens");
    expect(await answers([...PAGES, ...OTHERS])).toEqual(all([...PAGES, ...OTHERS], 200));
  });

  test("HAProxy acts on a changed file within the bound, each time; a lost attempt is made good; a value that is no word is refused", async () => {
    const gateway = gateways.switched;
    const took: number[] = [];
    for (const [traffic, backend] of [["nomad", nomad], ["legacy", legacy]] as const) {
      gateway.writeSwitches(traffic, "open");
      took.push(await until(async () => (await text(`${gateway.api}/answer`)) === `from ${backend.port}`, `traffic is ${traffic}`));
      expect((await fetch(`${gateway.api}/answer`)).headers.get(SIDE_HEADER)).toBe(traffic);
    }
    expect(Math.max(...took)).toBeLessThan(SWITCH_SKEW.milliseconds);
    // A change while HAProxy cannot answer: the attempt is lost, the next one is not.
    process.kill(gateway.haproxyPid(), "SIGSTOP");
    gateway.writeSwitches("nomad", "open");
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    process.kill(gateway.haproxyPid(), "SIGCONT");
    expect(await until(async () => (await text(`${gateway.api}/answer`)) === `from ${nomad.port}`, "the change is made good")).toBeLessThan(SWITCH_SKEW.milliseconds);
    // It cannot carry a second command.
    gateway.writeSwitches("legacy;shutdown sessions server api_legacy/legacy", "open");
    await until(() => gateway.log.includes("is not one word"), "the refusal is said");
    expect(await text(`${gateway.api}/answer`)).toBe(`from ${nomad.port}`);
    expect(gateway.log).toMatch(/traffic is now nomad[\s\S]*traffic is now legacy[\s\S]*traffic is now nomad/);
  });

  test("a read goes to the side that it names, before users are sent there; planted: a write does not, and neither does a read of a side that there is not", async () => {
    const gateway = gateways.switched;
    gateway.writeSwitches("legacy", "closed");
    await until(async () => (await text(`${gateway.api}/answer`)) === `from ${legacy.port}`, "traffic is legacy");
    const side = async (method: string, named?: string) => (await fetch(`${gateway.api}/answer`, { method, ...(named ? { headers: { [SIDE_HEADER]: named } } : {}) })).headers.get(SIDE_HEADER);
    expect([await side("GET", "nomad"), await side("GET", "legacy"), await side("HEAD", "nomad")]).toEqual(["nomad", "legacy", "nomad"]);
    expect([await side("POST", "nomad"), await side("DELETE", "nomad"), await side("GET", "nomad;legacy"), await side("GET")]).toEqual(["legacy", "legacy", "legacy", "legacy"]);
    // A section that is closed to users is closed to whoever names the side.
    expect((await fetch(`${gateway.frontend}/gold`, { headers: { [SIDE_HEADER]: "nomad" } })).status).toBe(404);
  });

  test("SIGUSR1 drains: no new call is taken, the one in flight ends, then the process does", async () => {
    const gateway = gateways.drained;
    const inFlight = fetch(`${gateway.api}/wait/600`, { method: "POST", headers: { connection: "close" } }).then((r) => r.text());
    await until(() => nomad.connections.size > 0 && nomad.received.includes("POST /wait/600"), "the call arrived");
    gateway.signal("SIGUSR1");
    await until(async () => (await text(`${gateway.api}/answer`)) === "", "no new call is taken");
    await expect(Promise.race([gateway.ended, Promise.resolve("still draining")])).resolves.toBe("still draining");
    await expect(inFlight).resolves.toBe(`from ${nomad.port}`);
    await expect(gateway.ended).resolves.toBe(0);
  });

  test("while its admin socket stays away HAProxy may hold an old switch: it is ended, so that its restart reads the file", async () => {
    await expect(gateways.deaf.ended).resolves.not.toBe(0);
    expect(gateways.deaf.log).toContain("has not answered its admin socket");
  });
});
