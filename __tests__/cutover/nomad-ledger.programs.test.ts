/** The ledger against a real Nomad server. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describeUnless } from "../terraform/terraform";
import { ledgerTests } from "./ledger-suite";

const missing = spawnSync("nomad", ["version"], { stdio: "ignore" }).status === 0 ? undefined : "nomad is not on PATH";

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

describeUnless(missing, "with a Nomad server", () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-nomad-"));
  let agent: ChildProcess;
  let address: string;

  beforeAll(async () => {
    const [http, rpc, serf] = await Promise.all([freePort(), freePort(), freePort()]);
    address = `http://127.0.0.1:${http}`;
    writeFileSync(join(folder, "server.hcl"), `data_dir = "${folder}/data"\nbind_addr = "127.0.0.1"\nadvertise {\n  http = "127.0.0.1"\n  rpc = "127.0.0.1"\n  serf = "127.0.0.1"\n}\nports {\n  http = ${http}\n  rpc = ${rpc}\n  serf = ${serf}\n}\nserver {\n  enabled = true\n  bootstrap_expect = 1\n}\n`);
    agent = spawn("nomad", ["agent", "-config", join(folder, "server.hcl")], { stdio: "ignore" });
    for (const end = Date.now() + 60_000; ; await sleep(300)) {
      // Its own keyring comes a moment after its leader, and variables are encrypted with it.
      const ready = await fetch(`${address}/v1/var/ready`, { method: "PUT", body: JSON.stringify({ Path: "ready", Items: { now: "yes" } }) }).then(({ ok }) => ok, () => false);
      if (ready) return;
      if (Date.now() > end) throw new Error("the Nomad server of the test takes no variable after 60 s");
    }
  });
  afterAll(async () => {
    if (agent.exitCode === null) {
      const ended = new Promise((resolve) => agent.once("exit", resolve));
      agent.kill("SIGKILL");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  ledgerTests(() => ({ address, token: "", caPem: "" }), "default");
});
