/** The whole platform for real: deployed from nothing, looked at, deployed again, destroyed. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { imageReference, IMAGE_ROLES } from "../../contracts/images";
import { duplicateRuns, overlaps } from "../../lab/doubles/backend/count";
import { JOBS, type JobName } from "../../contracts/services";
import { request } from "../../scripts/clients/http";
import { LabRegistry } from "../../scripts/lab/registry";
import { sshEntrances, writeSshLogin } from "../../scripts/lab/ssh-login";
import { LabSecrets } from "../../scripts/lab/secrets";
import type { LeaseStatus } from "../../scripts/lease/assess";
import type { GiveResult } from "../../scripts/lease/give";
import { LAB_STACKS, OUTPUT_FOLDER, synthesizeLab, Terraform } from "../../scripts/lab/terraform";
import { run } from "../../scripts/lab/run";
import { describeUnless } from "../terraform/terraform";
import { access, allocations, askConsul, askNomad, environment, eventually, gvfxLab, gvfxLease, inMachine, inTask, lab, labMissing, namespace, nomadJson, running, runsSince, UP_OUTPUT, type Allocation } from "./lab-fixture";

const API_HEALTH = "http://gvfx-api.service.consul:8787/health";
const LONG_RUNNING: readonly JobName[] = (Object.values(JOBS) as JobName[]).filter((job) => job !== JOBS.backup && job !== JOBS.images);

/** 0x01: RPC in the clear; 0x04: RPC over TLS (helper/pool of Nomad). A second is long on one machine. */
const RPC_QUESTIONS = String.raw`
import json, socket, ssl
def connect(first):
    s = socket.create_connection(("100.127.0.12", 4647), 2); s.sendall(bytes([first])); s.settimeout(2); return s
def plain():
    s = connect(1)
    try:
        s.sendall(b"\x82\xa3Seq\x01\xadServiceMethod\xabStatus.Ping\xc0")
        return "answered" if s.recv(64) else "closed"
    except socket.timeout: return "silent"
    except OSError: return "closed"
def tls(certificate):
    c = ssl.create_default_context(cafile="/etc/nomad.d/tls/ca.pem")
    if certificate: c.load_cert_chain("/etc/nomad.d/tls/agent.pem", "/etc/nomad.d/tls/agent-key.pem")
    try:
        t = c.wrap_socket(connect(4), server_hostname="server.global.nomad")
        try: t.settimeout(1); closed = not t.recv(1)
        except (socket.timeout, TimeoutError): closed = False
        return "closed" if closed else t.version()
    except (ssl.SSLError, OSError) as e: return str(e)
print(json.dumps({"plain": plain(), "TLS without a certificate": tls(False), "TLS with the node's certificate": tls(True)}))
`;

describeUnless(labMissing(), "the lab", () => {
  const terraform = new Terraform(environment);
  const said = existsSync(UP_OUTPUT) ? readFileSync(UP_OUTPUT, "utf8") : "";

  test("says which parts are real and which are doubles", () => {
    expect(said).toMatch(/Nomad, Consul +real/);
    for (const double of ["Convex", "api, frontend, rl-service, worker", "exchange, alert destination", "legacy host"]) expect(said).toMatch(new RegExp(`${double} +doubles?`));
    expect(said).toMatch(/Vultr and tailnet are turned off/);
  });

  test("three Nomad voters, three Consul servers, every job running in the number that it asks for", async () => {
    const { Voters } = JSON.parse((await askNomad("/v1/operator/autopilot/health")).text) as { Voters: string[] };
    expect(Voters).toHaveLength(3);
    expect(JSON.parse((await askConsul("/v1/status/peers")).text)).toHaveLength(3);
    await eventually(60, async () => {
      for (const job of LONG_RUNNING) expect([job, (await running(job)).length]).toEqual([job, [JOBS.api, JOBS.frontend, JOBS.rlService, JOBS.gateway].includes(job as never) ? 2 : 1]);
    });
  }, 90_000);

  describe("without a token, or with one for something else, everything is refused", () => {
    test("Nomad's API", async () => {
      for (const path of ["/v1/jobs", "/v1/nodes", `/v1/var/gvfx/market?namespace=${namespace}`, "/v1/agent/self"]) expect([path, (await askNomad(path, { headers: {} })).status]).toEqual([path, 403]);
      // Lists of variables are filtered instead of refused.
      expect(JSON.parse((await askNomad(`/v1/vars?namespace=${namespace}`, { headers: {} })).text)).toEqual([]);
      expect((await askNomad("/v1/jobs", { headers: { "x-nomad-token": "00000000-0000-0000-0000-000000000000" } })).status).toBe(403);
    });

    test("Nomad's API speaks TLS only, signed by the cluster's own authority", async () => {
      const { nomad, consul } = access();
      await expect(request(nomad.address.replace("https:", "http:") + "/v1/jobs").then((a) => a.status)).resolves.toBe(400);
      await expect(request(`${nomad.address}/v1/jobs`, { ca: consul.caPem })).rejects.toThrow(/certificate|signature|issuer/i);
    });

    test("Nomad's RPC speaks TLS with a client certificate of the cluster's authority, and nothing else", async () => {
      // The port is not published: the questions are asked on one node, of another, with Nomad's own leading byte.
      const answers = JSON.parse((await inMachine("server-1", "python3", "-c", RPC_QUESTIONS)).output) as Record<string, string>;
      expect(answers).toEqual({ plain: "closed", "TLS without a certificate": expect.stringMatching(/certificate required|closed|reset/i), "TLS with the node's certificate": "TLSv1.3" });
    });

    test("gossip is encrypted, Nomad's and Consul's", async () => {
      const nomadSelf = await nomadJson<{ stats: { serf: { encrypted: string } } }>("/v1/agent/self");
      const consulSelf = JSON.parse((await askConsul("/v1/agent/self")).text) as { Stats: { serf_lan: { encrypted: string } } };
      expect([nomadSelf.stats.serf.encrypted, consulSelf.Stats.serf_lan.encrypted]).toEqual(["true", "true"]);
    });

    test("Consul: keys, catalog and agents", async () => {
      for (const path of ["/v1/kv/gvfx/worker-owner", "/v1/kv/gvfx/worker-lease", "/v1/agent/self", "/v1/acl/tokens"]) expect([path, (await askConsul(path, { token: "" })).status]).toEqual([path, 403]);
      // Lists are filtered instead of refused.
      expect((await askConsul("/v1/kv/gvfx/?keys", { token: "" })).status).toBe(404);
      expect(JSON.parse((await askConsul("/v1/catalog/nodes", { token: "" })).text)).toEqual([]);
      expect((await askConsul("/v1/kv/gvfx/worker-owner", { token: "", method: "PUT", body: "nobody" })).status).toBe(403);
      // By the lease's own requests: reads come back empty, writes are refused, and no session is made.
      const transaction = (operation: object) => askConsul("/v1/txn?consistent", { token: "", method: "PUT", body: JSON.stringify([{ KV: operation }]) });
      expect(JSON.parse((await transaction({ Verb: "get", Key: "gvfx/worker-owner" })).text)).toMatchObject({ Results: [] });
      expect((await transaction({ Verb: "set", Key: "gvfx/worker-owner", Value: "bm9ib2R5" })).text).toMatch(/Permission denied/);
      expect((await askConsul("/v1/session/create", { token: "", method: "PUT", body: JSON.stringify({ Node: "server-1" }) })).status).toBe(403);
      expect(JSON.parse((await askConsul("/v1/session/list", { token: "" })).text)).toEqual([]);
    });

    test("the node's own Consul agent lends its token to nobody", async () => {
      const { output } = await inMachine("server-1", "curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "http://127.0.0.1:8500/v1/kv/gvfx/worker-owner");
      expect(output).toBe("403");
    });

    test("OpenBao: secrets and mounts", async () => {
      const { vault } = access();
      for (const path of [`/v1/${environment.vault.kvMount}/data/data/postgres`, "/v1/sys/mounts", "/v1/auth/token/lookup-self"]) expect([path, (await request(vault.address + path, { ca: vault.caPem })).status]).toEqual([path, 403]);
    });
  });

  test("certificates: every server shows one of the cluster's authority for its own name", async () => {
    const { nomad } = access();
    for (const { machine, on } of lab.published.filter((p) => p.port === 4646)) {
      const peer = await new Promise<string>((done, failed) => {
        const socket = tls.connect({ host: "127.0.0.1", port: on, ca: nomad.caPem, servername: "server.global.nomad" }, () => {
          done(String(socket.getPeerCertificate().subjectaltname));
          socket.end();
        });
        socket.once("error", failed);
      });
      expect([machine, peer]).toEqual([machine, expect.stringContaining("DNS:server.global.nomad")]);
    }
  });

  test("the legacy host answers by SSH with its pinned key, and runs the app's processes as they were started by hand", async () => {
    const options = writeSshLogin(environment, lab, access());
    const legacy = sshEntrances(environment, lab).find(({ machine }) => machine === "legacy")!;
    const { output } = await run("ssh", [...options, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-p", legacy.port, `${legacy.user}@${legacy.host}`, `cd ${environment.legacy.checkout} && ${environment.legacy.commands.status} && cat ${environment.legacy.pidFiles.worker}`]);
    expect(output).toMatch(/Worker running \(PID (\d+)\)[^]*^\1$/m);
  });

  test("both nodes have every image, so that a failover waits for no registry", async () => {
    const lock = new LabRegistry(environment, lab).lock();
    const wanted = IMAGE_ROLES.map((role) => imageReference(environment.images[role], lock[role]));
    for (const { name } of environment.nodes) {
      const present = new Set((await inMachine(name, "docker", "images", "--digests", "--format", "{{.Repository}}@{{.Digest}}")).output.split("\n"));
      expect([name, wanted.filter((image) => !present.has(image))]).toEqual([name, []]);
    }
    // The platform's own way: the periodic job, forced as its next run would be.
    expect((await askNomad(`/v1/job/${JOBS.images}/periodic/force?namespace=${namespace}`, { method: "POST" })).status).toBe(200);
    await eventually(60, async () => {
      const pulls = (await allocations()).filter((a) => a.JobID.startsWith(`${JOBS.images}/periodic`));
      expect(new Set(pulls.map((a) => a.NodeName))).toEqual(new Set(environment.nodes.map((node) => node.name)));
      expect(new Set(pulls.map((a) => a.ClientStatus))).toEqual(new Set(["complete"]));
    });
  }, 90_000);

  test("the API's name answers inside an app container, and on a user's device", async () => {
    const script = `const r = await fetch(${JSON.stringify(API_HEALTH)}); console.log(r.status, await r.text())`;
    expect((await inTask(JOBS.frontend, "frontend", "bun", "-e", script)).output).toMatch(/^200 .*"status":"ok"/);
    expect((await inMachine("device", "curl", "--silent", "--show-error", "--max-time", "10", API_HEALTH)).output).toContain('"status":"ok"');
  }, 30_000);

  describe("the worker is one", () => {
    const status = () => gvfxLease<LeaseStatus>("status");
    /** What each registered allocation says of itself. */
    const said = ({ seen: { workers } }: LeaseStatus) => ("problem" in workers ? [workers] : workers.map((worker) => ("state" in worker ? { phase: worker.state.phase, childPid: worker.state.childPid } : { problem: worker.problem })));

    test("exactly one holds the lease, and it is Nomad's: up gave it", async () => {
      const [worker] = await running(JOBS.worker);
      await eventually(30, async () => expect(await status()).toMatchObject({ exit: 0, owner: "nomad", verdict: "held", holder: { side: "nomad", worker: { node: worker.NodeName, allocation: worker.ID, phase: "active" } } }));
    }, 45_000);

    test("given to legacy, Nomad's stands by within seconds and ingests nothing; given back, it runs; and never do two", async () => {
      // A run lasts ten seconds: those that were under way belong to it.
      const since = new Date(Date.now() - 30_000);
      const before = (await running(JOBS.worker)).map(({ ID }) => ID);
      try {
        // Nobody on the legacy host waits for the lease, so that nobody takes it.
        expect(await gvfxLease<GiveResult>("give", "legacy", "--timeout", "6s")).toMatchObject({ exit: 1, outcome: "not-taken", changed: true, from: "nomad", releasedAfterMs: expect.any(Number) });
        const quiet = new Date();
        const standby = await status();
        expect(standby).toMatchObject({ exit: 1, owner: "legacy", verdict: "nobody" });
        expect(said(standby)).toEqual([{ phase: "standby", childPid: null }]);
        // A lab whose owner is legacy is well, and says whose it is.
        expect((await gvfxLab("status")).output).toMatch(/owner legacy; lease held by nobody; Nomad's stands by on server-\d/);
        await new Promise((done) => setTimeout(done, 3_000));
        const runs = await runsSince(since);
        expect(runs.length).toBeGreaterThan(0);
        expect(runs.filter((row) => Date.parse(row.last_tick_at ?? row.started_at) > quiet.getTime())).toEqual([]);
        // The double's worker runs without the lease, as one that was started by hand, and the free lease shows nothing of it.
        expect(await gvfxLease<GiveResult>("give", "nomad", "--timeout", "30s")).toMatchObject({ exit: 1, outcome: "refused", why: "legacy-unproven", found: "legacy" });
        expect(await status()).toMatchObject({ owner: "legacy", verdict: "nobody" });
      } finally {
        // The double has a Convex of its own. A clean hand-over leaves no lock-delay to wait for.
        const back = await gvfxLease<GiveResult>("give", "nomad", "--legacy-worker-stopped", "--timeout", "30s");
        expect(back).toMatchObject({ exit: 0, outcome: "given", from: "legacy" });
        expect("tookMs" in back && back.tookMs).toBeLessThan(5_000);
      }
      const again = new Date();
      await eventually(30, async () => expect((await runsSince(again)).length).toBeGreaterThanOrEqual(7));
      const runs = await runsSince(since);
      expect(overlaps(runs)).toEqual([]);
      expect(duplicateRuns(runs)).toEqual([]);
      expect(new Set(runs.map((row) => row.instance)).size).toBe(2);
      // By a key alone: nothing was redeployed and nothing restarted.
      expect((await running(JOBS.worker)).map(({ ID }) => ID)).toEqual(before);
      await gvfxLab("status");
    }, 120_000);
  });

  test("deploying again changes nothing, and every plan is empty", async () => {
    await synthesizeLab();
    const before = await allocations();
    for (const stack of LAB_STACKS) expect([stack, await terraform.hasChanges(stack)]).toEqual([stack, false]);
    const began = Date.now();
    await gvfxLab("up");
    process.stderr.write(`second up: ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
    for (const stack of LAB_STACKS) expect([stack, await terraform.hasChanges(stack)]).toEqual([stack, false]);
    const ids = (all: Allocation[]) => all.filter((a) => LONG_RUNNING.includes(a.JobID as JobName) && a.ClientStatus === "running").map((a) => a.ID).sort();
    expect(ids(await allocations())).toEqual(ids(before));
  }, 4 * 60_000);

  test.each([
    ["Ctrl-C", "SIGINT", true],
    ["a crash of the command, whose Terraform runs on", "SIGKILL", false],
  ] as const)("after %s in the middle of a deploy, up goes on where it was", async (_what, signal, wholeGroup) => {
    const child = spawn(process.execPath, ["scripts/gvfx.mjs", "lab", "up"], { env: { ...process.env, GVFX_ENV: "lab", CI: "true" }, detached: true, stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    const ended = new Promise((done) => child.once("close", done));
    await eventually(120, () => expect(text).toMatch(/foundation: .* \.\.\./));
    // At a terminal, Ctrl-C reaches every program of the group.
    process.kill(wholeGroup ? -child.pid! : child.pid!, signal);
    await ended;
    expect(text).not.toContain("The lab is up");
    await gvfxLab("up");
    await gvfxLab("status");
  }, 4 * 60_000);

  test.each(["data-plane", "app", "cutover"])("the order of the stacks is enforced: without foundation's state there is nothing to deploy %s with", async (stack) => {
    const folder = mkdtempSync(join(tmpdir(), "gvfx-order-"));
    try {
      writeFileSync(join(folder, "cdk.tf.json"), readFileSync(join(OUTPUT_FOLDER, "stacks", stack, "cdk.tf.json"), "utf8").replaceAll("../../../.gvfx/state/lab", join(folder, "nowhere")));
      await run("terraform", ["init", "-input=false", "-no-color"], { cwd: folder });
      const { status, output } = await run("sh", ["-c", "terraform plan -input=false -no-color 2>&1"], { cwd: folder, accept: [0, 1] });
      expect({ status, output }).toEqual({ status: 1, output: expect.stringMatching(/Unable to find remote state/) });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);

  test("no state and no log of a deploy holds a secret of the catalog", async () => {
    const values = await new LabSecrets(environment, access().vault).values();
    expect(values.length).toBeGreaterThan(10);
    const files = [...readdirSync(".gvfx/state/lab").map((file) => `.gvfx/state/lab/${file}`), ...readdirSync(".gvfx/lab/logs").map((file) => `.gvfx/lab/logs/${file}`), ...LAB_STACKS.map((stack) => `${OUTPUT_FOLDER}/stacks/${stack}/cdk.tf.json`)];
    // The search itself is tried on a text that does hold one.
    expect(values.filter((value) => `x${values[0]}x`.includes(value))).toHaveLength(1);
    expect(statSync(".gvfx/state/lab").mode & 0o077).toBe(0);
    for (const file of files.filter((name) => statSync(name).isFile())) {
      const text = readFileSync(file, "utf8");
      expect([file, values.filter((value) => text.includes(value)).length]).toEqual([file, 0]);
    }
  });

  test("what a deploy says holds no token either", async () => {
    const { consul, vault, nomad } = access();
    const secrets = [consul.token, vault.token, nomad.token];
    for (const stack of LAB_STACKS) {
      const text = readFileSync(`.gvfx/lab/logs/${stack}-apply.log`, "utf8");
      expect([stack, secrets.filter((secret) => text.includes(secret)).length]).toEqual([stack, 0]);
    }
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
  });

  test("the witness runs nothing, even when its client is switched on by hand", async () => {
    const config = `${environment.nomad.configDir}/agent.json`;
    await inMachine("witness", "cp", config, "/tmp/agent.json");
    try {
      await inMachine("witness", "sh", "-c", `jq '.client = {enabled: true, node_class: "witness", options: {"fingerprint.denylist": "env_aws,env_azure,env_digitalocean,env_gce"}}' /tmp/agent.json >${config} && systemctl restart nomad`);
      await eventually(60, async () => expect((await nomadJson<{ Name: string; Status: string; NodeClass: string }[]>("/v1/nodes")).find((n) => n.Name === "witness")).toMatchObject({ Status: "ready", NodeClass: "witness" }));
      // A new evaluation of every job: whatever could be placed there would be now.
      for (const job of Object.values(JOBS)) await askNomad(`/v1/job/${job}/evaluate?namespace=${namespace}`, { method: "POST", body: { JobID: job, EvalOptions: {} } });
      await new Promise((done) => setTimeout(done, 5_000));
      expect((await allocations()).filter((a) => a.NodeName === "witness")).toEqual([]);
    } finally {
      await inMachine("witness", "sh", "-c", `cp /tmp/agent.json ${config} && systemctl restart nomad`);
    }
    await eventually(60, async () => expect((JSON.parse((await askNomad("/v1/operator/autopilot/health")).text) as { Healthy: boolean }).Healthy).toBe(true));
  }, 180_000);
});
