/** The gateway as the job runs it, its script and the real HAProxy, with ports, files and names of this machine. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { haproxyConfig } from "../../constructs/gateway/haproxy";
import { GATEWAY_SCRIPT, LOOKS_BEFORE_RESTART } from "../../constructs/gateway/switches";
import { environment } from "../jobs/worked-example";

const here = spawnSync("haproxy", ["-v"]).status === 0 && spawnSync("bash", ["--version"]).status === 0;
/** Like `describe`, but visibly skipped where the real program is missing. */
export function describeWithHaproxy(name: string, tests: () => void): void {
  if (here) describe(name, tests);
  else describe.skip(`${name} (skipped: no haproxy on PATH)`, tests);
}

export interface GatewayOptions {
  readonly dnsPort: number;
  readonly legacyPort?: number;
  readonly traffic?: "legacy" | "nomad";
  readonly sections?: "closed" | "open";
  /** The script looks for the admin socket where none is, and gives up after two looks. @default false */
  readonly adminUnreachable?: boolean;
  /** Changes of the configuration, each of which must find its text. */
  readonly changes?: readonly (readonly [string, string])[];
}

export class LiveGateway {
  private output = "";
  private constructor(
    readonly frontend: string,
    readonly api: string,
    private readonly folder: string,
    private readonly child: ReturnType<typeof spawn>,
    readonly ended: Promise<number | null>,
  ) {}

  static async start({ dnsPort, legacyPort = 1, traffic = "nomad", sections = "open", adminUnreachable = false, changes = [] }: GatewayOptions): Promise<LiveGateway> {
    const folder = mkdtempSync(join(tmpdir(), "gvfx-gateway-"));
    const [frontend, api, rl, admin] = await freePorts(4);
    let config = haproxyConfig(environment);
    for (const [from, to] of [
      ["bind :3000", `bind 127.0.0.1:${frontend}`],
      ["bind :8787", `bind 127.0.0.1:${api}`],
      ["bind :9101", `bind 127.0.0.1:${rl}`],
      ['"${GVFX_DNS}:53"', `127.0.0.1:${dnsPort}`],
      [`server legacy ${environment.legacy.host.tailnetAddress}:${environment.legacy.ports.api}`, `server legacy 127.0.0.1:${legacyPort}`],
      ["ipv4@127.0.0.1:9999", `ipv4@127.0.0.1:${admin}`],
      ["/local/", `${folder}/`],
      ...changes,
    ] as const) {
      if (!config.includes(from)) throw new Error(`the configuration has no "${from}" to change`);
      config = config.replaceAll(from, to);
    }
    writeFileSync(join(folder, "haproxy.cfg"), config);
    writeFileSync(join(folder, "gateway.sh"), script(folder, admin, adminUnreachable));
    writeFileSync(join(folder, "switches.map"), `traffic ${traffic}\nsections ${sections}\n`);
    const child = spawn("bash", [join(folder, "gateway.sh")], { stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
    const gateway = new LiveGateway(`http://127.0.0.1:${frontend}`, `http://127.0.0.1:${api}`, folder, child, ended);
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (gateway.output += text.toString()));
    return gateway;
  }

  get log(): string { return this.output; }

  /** Replaces the map file as Nomad's templates do: written beside it, then renamed. */
  writeSwitches(traffic: string, sections: string): void {
    writeFileSync(join(this.folder, "switches.new"), `traffic ${traffic}\nsections ${sections}\n`);
    renameSync(join(this.folder, "switches.new"), join(this.folder, "switches.map"));
  }

  signal(name: NodeJS.Signals): void { this.child.kill(name); }

  /** Process id of HAProxy itself. */
  haproxyPid(): number {
    return Number(spawnSync("pgrep", ["-P", String(this.child.pid), "haproxy"], { encoding: "utf8" }).stdout.trim());
  }

  /** Waits until GET on the API's port answers `expected` from a backend. */
  async serves(expected = /^from /): Promise<void> {
    await until(async () => expected.test(await text(`${this.api}/answer`)), `the gateway serves ${expected}: ${this.output}`);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.ended;
    // A last `sleep` of the script still holds them.
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    rmSync(this.folder, { recursive: true });
  }
}

function script(folder: string, admin: number, adminUnreachable: boolean): string {
  const here = GATEWAY_SCRIPT.replaceAll("/local/", `${folder}/`).replaceAll("127.0.0.1/9999", `127.0.0.1/${adminUnreachable ? 1 : admin}`);
  return adminUnreachable ? here.replaceAll(`-ge ${LOOKS_BEFORE_RESTART}`, "-ge 2") : here;
}

export async function text(url: string): Promise<string> {
  return fetch(url, { headers: { connection: "close" } }).then((r) => r.text(), () => "");
}

/** Repeats `ask` until it holds; fails after ten seconds. Returns how long it took, in milliseconds. */
export async function until(ask: () => boolean | Promise<boolean>, what: string): Promise<number> {
  const begun = performance.now();
  while (performance.now() - begun < 10_000) {
    if (await ask()) return performance.now() - begun;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within ten seconds: ${what}`);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((resolve) => { const s = createServer().listen(0, "127.0.0.1", () => resolve(s)); })));
  const ports = servers.map((s) => (s.address() as AddressInfo).port);
  await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))));
  return ports;
}
