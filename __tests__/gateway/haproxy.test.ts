import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { haproxyConfig } from "../../constructs/gateway/haproxy";
import { LONG_ROUTES } from "../../contracts/http";
import { environment } from "../jobs/worked-example";

const config = haproxyConfig(environment);
const section = (name: string) => config.split("\n\n").find((text) => text.startsWith(name))!;

test("listens on the app's fixed ports", () => {
  expect(config.match(/^ {2}bind .*$/gm)).toEqual(["  bind :3000", "  bind :8787", "  bind :9101"]);
});

test("never replays a POST, PUT, PATCH or DELETE: every frontend switches replay off but for safe methods", () => {
  for (const service of ["frontend", "api", "rl-service"]) {
    const lines = section(`frontend ${service}\n`).split("\n");
    expect(lines).toContain("  acl safe_method method GET HEAD OPTIONS");
    expect(lines.indexOf("  http-request disable-l7-retry unless safe_method")).toBeGreaterThan(0);
    expect(lines.indexOf("  http-request disable-l7-retry unless safe_method")).toBeLessThan(lines.findIndex((line) => line.includes("use_backend")));
  }
});

test("holds what Consul said while Consul is away", () => {
  expect(section("resolvers consul")).toMatch(/hold valid 1s[\s\S]*hold obsolete 0s[\s\S]*hold timeout 24h[\s\S]*hold refused 24h[\s\S]*hold other 24h/);
});

test("balances over the allocations' SRV records, and can go back to legacy", () => {
  expect(section("backend api_nomad")).toContain("server-template api 1-6 _gvfx-api-alloc._tcp.service.consul");
  expect(section("backend api_legacy")).toContain("server legacy 100.64.0.31:8787 no-check");
});

test("long routes have their own timeout in both backends", () => {
  for (const backend of ["backend api_nomad", "backend api_legacy"]) {
    for (const route of LONG_ROUTES.filter((r) => r.service === "api")) expect(section(backend)).toContain(`http-request set-timeout server ${route.timeout} if { method ${route.method} } { path -m reg ${route.path} }`);
  }
});

const haproxy = spawnSync("haproxy", ["-v"], { encoding: "utf8" });
const here = haproxy.status === 0;

(here ? test : test.skip)(`HAProxy itself accepts the configuration${here ? "" : " (not run: no haproxy on PATH)"}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-haproxy-"));
  try {
    writeFileSync(join(folder, "switches.map"), "traffic legacy\nsections closed\n");
    writeFileSync(join(folder, "haproxy.cfg"), config.replaceAll("/local/", `${folder}/`));
    const result = spawnSync("haproxy", ["-c", "-f", join(folder, "haproxy.cfg")], { env: { ...process.env, GVFX_DNS: "127.0.0.1" }, encoding: "utf8" });
    expect(`${result.stdout}${result.stderr}`).not.toMatch(/ALERT|WARNING/);
    expect(result.status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the admin socket is open inside the container only", () => {
  expect(config).toContain("stats socket ipv4@127.0.0.1:9999 level admin");
});
