/**
 * One step of an upgrade of Nomad and Consul on the nodes, by an ordinary deploy, under load. The lab begins with the
 * newer versions: it is taken to the older ones first, which is no upgrade and is not measured.
 *
 * GVFX_UPGRADE_FROM_NOMAD, GVFX_UPGRADE_FROM_CONSUL: versions to go from (default 2.0.4 and 1.20.2).
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { kvPaths } from "../../contracts/kv";
import { PROGRAM_CACHE } from "../../constructs/cluster/paths";
import { containerName } from "../../constructs/lab/names";
import type { Environment } from "../../environments/schema";
import { run } from "../../scripts/lab/run";
import { OUTPUT_FOLDER, synthesizeLab, Terraform } from "../../scripts/lab/terraform";
import { synthesize } from "../../synth";
import { describeUnless } from "../terraform/terraform";
import { askConsul, environment, eventually, gvfxLease, inMachine, labMissing, namespace } from "./lab-fixture";
import { underLoad } from "./under-load";

const PROGRAMS = ["nomad", "consul"] as const;
type Program = (typeof PROGRAMS)[number];
type Versions = Readonly<Record<Program, string>>;

const TO: Versions = { nomad: environment.versions.nomad.version, consul: environment.versions.consul.version };
const FROM: Versions = { nomad: process.env.GVFX_UPGRADE_FROM_NOMAD ?? "2.0.4", consul: process.env.GVFX_UPGRADE_FROM_CONSUL ?? "1.20.2" };
const NODES = [...environment.nodes.map(({ name }) => name), environment.witness.name];
const image = (program: Program, version: string): string => `hashicorp/${program}:${version}`;

/** Why there is nothing to upgrade from. */
function missing(): string | undefined {
  const no = labMissing();
  if (no) return no;
  const absent = PROGRAMS.map((program) => image(program, FROM[program])).find((name) => spawnSync("docker", ["image", "inspect", name], { stdio: "ignore" }).status !== 0 && spawnSync("docker", ["pull", "--quiet", name], { stdio: "ignore", timeout: 120_000 }).status !== 0);
  return absent && `the image ${absent}, of the version to upgrade from, is neither in the engine nor to be had`;
}

describeUnless(missing(), `from Nomad ${FROM.nomad} and Consul ${FROM.consul} to ${TO.nomad} and ${TO.consul}, under load`, () => {
  const terraform = new Terraform(environment);
  const folder = mkdtempSync(join(tmpdir(), "upgrade-"));
  let archives: Readonly<Record<string, string>>;

  /** The publisher's archive of a version, where the node looks for it first. @returns its SHA-256 */
  async function archived(program: Program, version: string): Promise<string> {
    // It is never started: the command is for images that name none.
    const container = (await run("docker", ["create", image(program, version), "none"])).output.trim();
    const [binary, archive] = [join(folder, `${program}-${version}`), join(folder, `${program}_${version}.zip`)];
    try {
      await run("docker", ["cp", "--follow-link", `${container}:/bin/${program}`, binary]);
    } finally {
      await run("docker", ["rm", container]);
    }
    const zip = new ZipFile();
    zip.addFile(binary, program, { compress: false, mode: 0o100755 });
    zip.end();
    await pipeline(zip.outputStream, createWriteStream(archive));
    for (const node of NODES) {
      await inMachine(node, "mkdir", "-p", PROGRAM_CACHE);
      await run("docker", ["cp", archive, `${containerName(node)}:${PROGRAM_CACHE}/${program}_${version}.zip`]);
    }
    return createHash("sha256").update(readFileSync(archive)).digest("hex");
  }
  const at = (versions: Versions): Environment => ({ ...environment, versions: { ...environment.versions, ...Object.fromEntries(PROGRAMS.map((program) => [program, { ...environment.versions[program], version: versions[program], sha256: archives[`${program} ${versions[program]}`] }])) } });
  const deploy = async (versions: Versions): Promise<void> => {
    synthesize(at(versions), OUTPUT_FOLDER);
    await terraform.apply("foundation");
  };
  /** What the agents themselves say that they are. */
  const running = (): Promise<string[]> => Promise.all(NODES.map(async (node) => (await inMachine(node, "sh", "-c", "for p in nomad consul; do /proc/$(pidof -s $p)/exe version | sed -n '1s/.* v//p'; done")).output.trim().replace("\n", " ")));

  beforeAll(async () => {
    archives = Object.fromEntries(await Promise.all([FROM, TO].flatMap((versions) => PROGRAMS.map(async (program) => [`${program} ${versions[program]}`, await archived(program, versions[program])] as const))));
    expect((await askConsul(`/v1/kv/${kvPaths(namespace).traffic}`, { method: "PUT", body: "nomad" })).status).toBe(200);
    await deploy(FROM);
    expect(await running()).toEqual(NODES.map(() => `${FROM.nomad} ${FROM.consul}`));
    await eventually(90, async () => expect((await gvfxLease<{ well: boolean }>("status")).well).toBe(true));
  }, 480_000);
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    for (const node of NODES) await inMachine(node, "sh", "-c", `rm -f ${PROGRAM_CACHE}/*.zip`);
    await synthesizeLab();
    await terraform.apply("foundation");
  }, 300_000);

  test("one node after the other: no request fails, a quorum stays, the worker is one", async () => {
    const { longestGapMs, leaderlessMs, ...measured } = await underLoad(`upgrade to Nomad ${TO.nomad} and Consul ${TO.consul}`, () => deploy(TO));
    expect(measured).toMatchObject({ failed: { GET: 0, POST: 0 }, lost: 0, repeated: 0, overlaps: 0, smallestQuorum: 2 });
    expect(longestGapMs).toBeLessThan(10_000);
    expect(leaderlessMs).toBeLessThan(15_000);
    expect(await running()).toEqual(NODES.map(() => `${TO.nomad} ${TO.consul}`));
  }, 480_000);
});
