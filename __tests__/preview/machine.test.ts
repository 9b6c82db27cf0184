import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { machineReport, type ProgramAnswer } from "../../scripts/preview/machine";

const environment = parseEnvironment("production", production);
const ALL = { VULTR_API_KEY: "k", TAILSCALE_API_KEY: "k", CONSUL_HTTP_TOKEN: "k", VAULT_TOKEN: "k", CONSUL_CACERT: "/ca.pem", VAULT_CACERT: "/ca.pem", SSH_AUTH_SOCK: "/agent" };

function programs(answers: Readonly<Record<string, string>>) {
  return (program: string): Promise<ProgramAnswer> => Promise.resolve(Object.hasOwn(answers, program) ? { stdout: answers[program], failure: undefined } : { stdout: "", failure: "not installed" });
}
const terraform = (version: string) => `{\n  "terraform_version": "${version}",\n  "platform": "linux_amd64"\n}`;
const COMPLETE = { terraform: terraform("1.11.4"), docker: "28.0.1\n", "ssh-add": "256 SHA256:abc deploy (ED25519)\n" };

const missing = async (variables: Record<string, string>, answers: Readonly<Record<string, string>> = COMPLETE, env = environment) =>
  (await machineReport(env, variables, programs(answers))).checks.filter((check) => !check.present).map((check) => check.name);

test("a machine with everything lacks only what foundation makes, and goes on to the first diff", async () => {
  const report = await machineReport(environment, ALL, programs(COMPLETE));
  expect(report.checks.filter((check) => !check.present).map((check) => check.name)).toEqual(["NOMAD_TOKEN"]);
  expect(report.checks.find((check) => check.name === "Docker engine")?.detail).toBe("28.0.1");
  expect(report.next.command).toBe("npx cdktf diff foundation");
});

test("a bare machine lacks each thing by name, and is sent to the doctor", async () => {
  const report = await machineReport(environment, {}, programs({}));
  expect(report.checks.filter((check) => !check.present).map((check) => check.name)).toEqual([
    "Terraform", "Docker engine", "SSH agent", "VULTR_API_KEY", "TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET, or TAILSCALE_API_KEY", "CONSUL_HTTP_TOKEN", "VAULT_TOKEN", "NOMAD_TOKEN", "CONSUL_CACERT", "VAULT_CACERT",
  ]);
  expect(report.checks[0].detail).toMatch(/not installed; 1\.11 or later is needed/);
  expect(report.next.command).toBe("npm run gvfx -- doctor");
});

test.each([["1.11.0", true], ["1.12.3", true], ["2.0.0", true], ["1.10.9", false], ["0.99.0", false], ["1.9.8", false]])("Terraform %s is enough: %s", async (version, enough) => {
  expect(!(await missing(ALL, { ...COMPLETE, terraform: terraform(version) })).includes("Terraform")).toBe(enough);
});

test("an OAuth client needs both halves", async () => {
  const others = { ...ALL, TAILSCALE_API_KEY: "" };
  expect(await missing({ ...others, TAILSCALE_OAUTH_CLIENT_ID: "id" })).toContain("TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET, or TAILSCALE_API_KEY");
  expect(await missing({ ...others, TAILSCALE_OAUTH_CLIENT_ID: "id", TAILSCALE_OAUTH_CLIENT_SECRET: "secret" })).toEqual(["NOMAD_TOKEN"]);
});

test("an authority may be one that the system knows: its absence does not hold up the next step", async () => {
  const { CONSUL_CACERT: _consul, VAULT_CACERT: _vault, ...known } = ALL;
  const report = await machineReport(environment, known, programs(COMPLETE));
  expect(report.checks.filter((check) => !check.present).map((check) => check.name)).toEqual(["NOMAD_TOKEN", "CONSUL_CACERT", "VAULT_CACERT"]);
  expect(report.next.command).toBe("npx cdktf diff foundation");
});

test("an agent without a key is no agent", async () => {
  const report = await machineReport(environment, ALL, programs({ terraform: COMPLETE.terraform, docker: COMPLETE.docker }));
  expect(report.checks.find((check) => check.name === "SSH agent")).toMatchObject({ present: false, detail: expect.stringContaining("ssh-add") });
});

test("only what the environment uses is asked for", async () => {
  const witness = { ...production.witness, tailnetAddress: "100.64.0.13", ssh: { ...production.witness.ssh, hostKey: production.nodes[0].ssh.hostKey } };
  const own = parseEnvironment("own", { ...production, witness, vultr: { enabled: false, reason: "exists" }, tailnet: { enabled: false, reason: "another network" } });
  expect(await missing({ SSH_AUTH_SOCK: "/agent" }, COMPLETE, own)).toEqual(["CONSUL_HTTP_TOKEN", "VAULT_TOKEN", "NOMAD_TOKEN", "CONSUL_CACERT", "VAULT_CACERT"]);
  const hcp = parseEnvironment("hcp", { ...production, backend: { kind: "hcp", hostname: "app.terraform.io", organization: "example-org", project: "platform", workspacePrefix: "gvfx" } });
  expect(await missing(ALL, COMPLETE, hcp)).toEqual(["NOMAD_TOKEN", "TF_TOKEN_app_terraform_io"]);
});

test("no value of a credential is shown", async () => {
  const report = await machineReport(environment, { ...ALL, VAULT_TOKEN: "hvs.not-to-be-seen" }, programs(COMPLETE));
  expect(JSON.stringify(report)).not.toContain("not-to-be-seen");
});

test("programs that are not there are told from those that are", async () => {
  const { checks } = await machineReport(environment, { PATH: "/nonexistent" });
  expect(checks.slice(0, 2)).toMatchObject([{ name: "Terraform", present: false, detail: expect.stringContaining("not installed") }, { name: "Docker engine", present: false, detail: expect.stringContaining("not installed") }]);
});
