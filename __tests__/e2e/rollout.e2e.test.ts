/** New versions under 200 requests a second through the gateway: a good one, and three kinds of bad ones. */
import { JOBS } from "../../contracts/services";
import { kvPaths } from "../../contracts/kv";
import { Duration } from "../../contracts/units";
import { startLoad } from "../../scripts/lab/load/generator";
import { textResult, type LoadResult } from "../../scripts/lab/load/tally";
import { LabRegistry } from "../../scripts/lab/registry";
import { run } from "../../scripts/lab/run";
import { OUTPUT_FOLDER, synthesizeLab, Terraform } from "../../scripts/lab/terraform";
import { lab as labInput } from "../../environments/lab";
import { parseEnvironment } from "../../environments/parse";
import { synthesize } from "../../synth";
import { request } from "../../scripts/clients/http";
import { describeUnless } from "../terraform/terraform";
import { apiToken, askConsul, environment, eventually, lab, labMissing, nomadJson, namespace, running } from "./lab-fixture";

const GATEWAY = "http://127.0.0.1:18787";
const EXCHANGE = "http://127.0.0.1:18080";
/** Requests a second, of which three in ten must not be repeated. */
const RATE = 200;
const WRITE_SHARE = 0.3;

interface Rollout {
  readonly load: LoadResult;
  /** How often the double saw an id more than once. */
  readonly replayed: number;
  readonly seconds: number;
  /** What the apply said, when it failed. */
  readonly failure: string | undefined;
}

describeUnless(labMissing(), "a new version of the api, under load", () => {
  const terraform = new Terraform(environment);

  beforeAll(async () => {
    const { traffic } = kvPaths(namespace);
    expect((await askConsul(`/v1/kv/${traffic}`, { method: "PUT", body: "nomad" })).status).toBe(200);
    // Legacy's own double says "unknown": it is not of an image.
    await eventually(30, async () => expect(await versionOfDouble()).toMatch(/^(\d+|bad-\w+)$/));
  }, 60_000);

  /** Deploys an image of the backend while requests come in, and five seconds more. */
  async function roll(image: string, settle: Duration = Duration.seconds(5)): Promise<Rollout> {
    await new LabRegistry(environment, lab, { ...lab.sources, backend: image }).distribute(() => undefined);
    await synthesizeLab();
    const stop = new AbortController();
    const load = startLoad({ url: GATEWAY, rate: RATE, reads: ["/health"], write: { path: "/lab/echo", share: WRITE_SHARE, body: (id) => ({ id }) }, token: await apiToken(), signal: stop.signal });
    await pause(3_000);
    const began = Date.now();
    const failure = await terraform.apply("app").then(() => undefined, (error: Error) => error.message);
    const seconds = (Date.now() - began) / 1_000;
    await pause(settle.milliseconds);
    stop.abort();
    const result = await load.done;
    const { duplicates } = JSON.parse((await request(`${EXCHANGE}/lab/echo?prefix=${result.run}`)).text) as { duplicates: unknown[] };
    process.stderr.write(`${image}: apply ${failure ? "refused" : "done"} after ${seconds.toFixed(1)} s, replayed ${duplicates.length}\n${textResult(result)}\n`);
    return { load: result, replayed: duplicates.length, seconds, failure };
  }

  test("a good one is taken by canary: no request fails, none is repeated", async () => {
    const before = await version();
    await build("good", { LAB_VERSION: "2" });
    const { load, replayed, failure } = await roll("gvfx-lab/backend:good");
    expect(failure).toBeUndefined();
    expect(await version()).toBeGreaterThan(before);
    expect(JSON.parse((await request(`${GATEWAY}/health`)).text)).toMatchObject({ version: "2" });
    expect({ failed: load.failed, replayed }).toEqual({ failed: 0, replayed: 0 });
    expect(load.byMethod.POST.sent).toBeGreaterThan(500);
  }, 240_000);

  test.each([
    ["is never healthy", "unhealthy", /had to pass: GET \/health of gvfx-api-alloc/],
    ["crashes", "crash", /had to pass: GET \/health of gvfx-api-alloc/],
  ])("a bad one that %s goes back by itself, no request fails, and the apply says why", async (_what, fault, message) => {
    const healthy = await versionOfDouble();
    await build(fault, { LAB_FAULT: fault, LAB_VERSION: `bad-${fault}` });
    const { load, replayed, failure } = await roll(`gvfx-lab/backend:${fault}`);
    expect(failure).toMatch(/gvfx-api version \d+ was not taken/);
    expect(failure).toMatch(message);
    expect({ failed: load.failed, replayed }).toEqual({ failed: 0, replayed: 0 });
    await eventually(60, async () => expect(await running(JOBS.api)).toHaveLength(2));
    expect(await versionOfDouble()).toBe(healthy);
    // The job is back at what the platform's own definition no longer says: the next deploy of a good one must be taken.
    const again = await roll("gvfx-lab/backend:good");
    expect({ failure: again.failure, failed: again.load.failed }).toEqual({ failure: undefined, failed: 0 });
  }, 480_000);

  test("one that is well for 20 s and then fails half of its requests gets past the canary; the gateway keeps reads whole and repeats no write", async () => {
    await build("half", { LAB_FAULT: "half", LAB_VERSION: "bad-half" });
    const { load, replayed } = await roll("gvfx-lab/backend:half", Duration.seconds(30));
    expect(replayed).toBe(0);
    expect(load.byMethod.POST.failed).toBeGreaterThan(0);
    // A read that one copy fails is asked of another, up to three times.
    expect(load.byMethod.GET.failed / load.byMethod.GET.sent).toBeLessThan(load.byMethod.POST.failed / load.byMethod.POST.sent / 2);
    const again = await roll("gvfx-lab/backend:good", Duration.seconds(15));
    expect(again.failure).toBeUndefined();
  }, 360_000);

  test("a changed setting of the api is redeployed in under a minute", async () => {
    // What an edit of one line in environments/lab.ts would make.
    const edited = parseEnvironment("lab", { ...labInput, tuning: { ...labInput.tuning, api: { ...labInput.tuning.api, OPS_READ_TIMEOUT_MS: "4100" } } });
    const before = await version();
    const began = Date.now();
    synthesize(edited, OUTPUT_FOLDER);
    await terraform.apply("app");
    const seconds = (Date.now() - began) / 1_000;
    process.stderr.write(`a changed setting: ${seconds.toFixed(1)} s\n`);
    expect(await version()).toBe(before + 1);
    expect(seconds).toBeLessThan(60);
  }, 180_000);
});

function build(tag: string, args: Readonly<Record<string, string>>) {
  return run(process.execPath, ["scripts/lab/images.mjs", "backend", "--tag", tag, ...Object.entries(args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`])]);
}

async function version(): Promise<number> {
  return (await nomadJson<{ Version: number }>(`/v1/job/${JOBS.api}?namespace=${namespace}`)).Version;
}

async function versionOfDouble(): Promise<string> {
  return (JSON.parse((await request(`${GATEWAY}/health`)).text) as { version: string }).version;
}

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
