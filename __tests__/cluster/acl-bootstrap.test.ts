import { execFile } from "node:child_process";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AclBootstrap, BOOTSTRAP } from "../../constructs/cluster/acl-bootstrap";
import { one, synthesize } from "./cluster";

// Real retries, with their pauses.

const SECRET = "0f0e0d0c-0b0a-0908-0706-050403020100";

/** Answers of a Nomad server in turn: a status, or a connection that is cut. The last one stays. */
async function bootstrap(answers: readonly (number | "cut")[], known: () => boolean, patience = 20) {
  const bodies: string[] = [];
  const tokens: (string | undefined)[] = [];
  let call = 0;
  const server: Server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/v1/acl/token/self") {
      tokens.push(request.headers["x-nomad-token"] as string | undefined);
      response.writeHead(known() ? 200 : 403).end(`{"SecretID":"${SECRET}"}`);
      return;
    }
    const answer = answers[Math.min(call++, answers.length - 1)];
    if (answer === "cut") {
      request.socket.destroy();
      return;
    }
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      bodies.push(body);
      response.writeHead(answer).end(`{"SecretID":"${SECRET}"}`);
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run = await new Promise<{ status: number; output: string }>((done) => {
    execFile("/bin/sh", ["-c", 'eval "$SCRIPT"'], { env: { PATH: process.env.PATH, SCRIPT: BOOTSTRAP, ADDRESS: address, CA_CERT: "", SECRET, PATIENCE: String(patience) } }, (error, stdout, stderr) =>
      done({ status: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
  await new Promise((closed) => server.close(closed));
  expect(run.output).not.toContain(SECRET);
  return { ...run, bodies, tokens, calls: call };
}

test("hands over the secret once, and knows that it works", async () => {
  const run = await bootstrap([200], () => true);
  expect([run.status, run.output]).toEqual([0, ""]);
  expect(run.bodies.map((body) => JSON.parse(body) as unknown)).toEqual([{ BootstrapSecret: SECRET }]);
  expect(run.tokens).toEqual([SECRET]);
});

test("a fresh server cuts its first connection and has no leader for a while: tried again", async () => {
  const run = await bootstrap(["cut", 500, 200], () => true);
  expect([run.status, run.calls]).toEqual([0, 3]);
});

test("already done with this secret is done", async () => {
  expect((await bootstrap([400], () => true)).status).toBe(0);
});

test("already done with another secret stops, and says how to go on", async () => {
  const run = await bootstrap([400], () => false);
  expect(run.status).toBe(1);
  expect(run.output).toMatch(/turned on before, with another secret[\s\S]*acl-bootstrap-reset/);
});

test("a cluster that never answers stops after its patience, with the last answer", async () => {
  const run = await bootstrap([500], () => false, 1);
  expect(run.status).toBe(1);
  expect(run.output).toMatch(/for 1 s the last answer of http:\S+ was 500/);
});

describe("in Terraform", () => {
  const build = (protect: boolean) =>
    synthesize((stack) => {
      const acl = new AclBootstrap(stack, "acl", { address: "https://100.64.0.11:4646", caCertPem: "CA", generation: 1, protect, dependsOn: [] });
      expect(acl.managementToken.split("-")).toHaveLength(5);
    });

  test("the secret is cut from random bytes, which no plan shows, and is sensitive all the way", () => {
    const { resource, text } = build(true);
    expect(Object.keys(resource)).toEqual(["random_bytes", "terraform_data"]);
    const { triggers_replace, provisioner } = one(resource, "terraform_data", "acl_bootstrap") as { triggers_replace: unknown; provisioner: [{ "local-exec": { command: string; environment: Record<string, string> } }] };
    expect(triggers_replace).toEqual({ secret: expect.stringMatching(/^\$\{nonsensitive\(sha256\(random_bytes\.[\w-]+\.hex\)\)\}$/) });
    expect(provisioner[0]["local-exec"].command).toBe('eval "$SCRIPT"');
    expect(provisioner[0]["local-exec"].environment.SECRET).toMatch(/^\$\{substr\(random_bytes\.[\w-]+\.hex, 0, 8\)\}-\$\{substr.*8, 4\)\}-.*12, 4\)\}-.*16, 4\)\}-.*20, 12\)\}$/);
    expect(text).not.toContain("random_uuid");
  });

  test.each([true, false])("protect = %s is the secret's prevent_destroy", (protect) => {
    expect(one(build(protect).resource, "random_bytes", "acl_secret").lifecycle).toEqual({ prevent_destroy: protect });
  });
});
