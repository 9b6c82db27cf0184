/** `gvfx hcp init` against a fake of the API. What the real service does with the same requests was not tried. */
import { parseEnvironment } from "../../environments/parse";
import { example as production } from "../jobs/worked-example";
import { HcpClient } from "../../scripts/hcp/client";
import { hcpCommand } from "../../scripts/hcp/command";
import { SETTINGS, wantedWorkspaces } from "../../scripts/hcp/wanted";
import { STACK_IDS } from "../../contracts/stacks";
import { synthesizeStacks } from "../stacks/synthesized";
import { FakeHcp } from "./fake";

const backend = { kind: "hcp", hostname: "app.terraform.io", organization: "example-org", project: "tv-goldviewfx", workspacePrefix: "gvfx-production" } as const;
const environment = parseEnvironment("production", { ...production, backend });
const CREDENTIALS = {
  VULTR_API_KEY: "vultr-value",
  TAILSCALE_OAUTH_CLIENT_ID: "id-value",
  TAILSCALE_OAUTH_CLIENT_SECRET: "secret-value",
  VAULT_TOKEN: "vault-value",
  CONSUL_HTTP_TOKEN: "consul-value",
  NOMAD_TOKEN: "of-the-shell-for-something-else",
  HCP_DATA_PLANE_NOMAD_TOKEN: "deployer-value",
  HCP_APP_NOMAD_TOKEN: "deployer-value",
  HCP_CUTOVER_NOMAD_TOKEN: "management-value",
};

let fake: FakeHcp;
beforeEach(async () => {
  fake = await FakeHcp.start();
});
afterEach(() => fake.close());

async function init(args: readonly string[] = [], variables: Readonly<Record<string, string | undefined>> = CREDENTIALS, env = environment): Promise<{ readonly said: string; readonly exit: number | undefined }> {
  const lines: string[] = [];
  process.exitCode = undefined;
  try {
    await hcpCommand(() => env, { variables: { TFE_TOKEN: fake.token, ...variables }, write: (text) => lines.push(text), client: (of, token) => new HcpClient(fake.address, of.organization, token) }).parseAsync(["init", "--agent-pool", "on-the-tailnet", ...args], { from: "user" });
    const said = lines.join("\n");
    for (const value of Object.values(CREDENTIALS)) expect(said).not.toContain(value);
    return { said, exit: process.exitCode as number | undefined };
  } finally {
    process.exitCode = undefined;
  }
}

const names = (ids: readonly string[]) => ids.map((id) => fake.nameOf(id));

test("project and four workspaces: runs on the agents, confirmed by somebody, each with its own credentials", async () => {
  expect((await init()).exit).toBe(0);
  expect([...fake.projects.keys()]).toEqual(["tv-goldviewfx"]);
  expect(fake.workspaces.map(({ attributes }) => attributes.name)).toEqual(STACK_IDS.map((stack) => `gvfx-production-${stack}`));
  for (const { attributes, variables, project } of fake.workspaces) {
    expect(attributes).toMatchObject({ ...SETTINGS, "agent-pool-id": "apool-1" });
    expect([project, variables.every(({ sensitive }) => sensitive)]).toEqual([fake.projects.get("tv-goldviewfx"), true]);
  }
  expect(Object.fromEntries(fake.workspaces.map(({ attributes, variables }) => [attributes.name, Object.fromEntries(variables.map(({ key, value }) => [key, value]))]))).toEqual({
    "gvfx-production-foundation": { VULTR_API_KEY: "vultr-value", TAILSCALE_OAUTH_CLIENT_ID: "id-value", TAILSCALE_OAUTH_CLIENT_SECRET: "secret-value", VAULT_TOKEN: "vault-value", CONSUL_HTTP_TOKEN: "consul-value" },
    "gvfx-production-data-plane": { NOMAD_TOKEN: "deployer-value" },
    "gvfx-production-app": { NOMAD_TOKEN: "deployer-value" },
    "gvfx-production-cutover": { NOMAD_TOKEN: "management-value", CONSUL_HTTP_TOKEN: "consul-value" },
  });
});

test("states are shared in the direction of the dependencies; applies lead up to app, and never to cutover", async () => {
  await init();
  expect(names(fake.workspace("gvfx-production-foundation").readers)).toEqual(["gvfx-production-data-plane", "gvfx-production-app", "gvfx-production-cutover"]);
  for (const stack of ["data-plane", "app", "cutover"]) expect(fake.workspace(`gvfx-production-${stack}`).readers).toEqual([]);
  expect(fake.workspaces.map(({ triggers }) => names(triggers.map(({ source }) => source)))).toEqual([[], ["gvfx-production-foundation"], ["gvfx-production-data-plane"], []]);
});

test("who may read a state is who does so in the synthesized stacks", () => {
  const stacks = synthesizeStacks(environment);
  for (const { name, readers } of wantedWorkspaces(environment, backend)) {
    const found = STACK_IDS.filter((stack) => Object.values(stacks[stack].data?.terraform_remote_state ?? {}).some(({ config }) => (config as { workspaces: { name: string } }).workspaces.name === name));
    expect([name, readers]).toEqual([name, found.map((stack) => `gvfx-production-${stack}`)]);
  }
});

test("again: nothing is changed", async () => {
  await init();
  const before = fake.changes.length;
  const { said, exit } = await init();
  expect([fake.changes.length, exit, said]).toEqual([before, 0, "everything else is as it must be"]);
});

test("--plan says what would be done, and does nothing", async () => {
  const { said, exit } = await init(["--plan"]);
  expect([fake.changes, exit]).toEqual([[], 2]);
  expect(said).toMatch(/project tv-goldviewfx is made[\s\S]*workspace gvfx-production-app: an apply of gvfx-production-data-plane makes a run of it/);
  await init();
  expect((await init(["--plan"])).exit).toBe(0);
});

test("broken off anywhere, the same command goes on to the same end", async () => {
  await init();
  const whole = fake.changes.length;
  for (let failsAt = 1; failsAt <= whole; failsAt++) {
    await fake.close();
    fake = await FakeHcp.start();
    fake.failsAt = failsAt;
    await expect(init()).rejects.toThrow(/answered with status 500/);
    await init();
    expect([failsAt, fake.changes.length]).toEqual([failsAt, whole + 1]);
    expect((await init()).said).toBe("everything else is as it must be");
  }
});

test("what somebody set by hand and must not be is set back: auto-apply, a trigger of cutover, a state that everybody reads", async () => {
  await init();
  const cutover = fake.workspace("gvfx-production-cutover");
  cutover.attributes["auto-apply"] = true;
  cutover.triggers.push({ id: "rt-by-hand", source: fake.workspace("gvfx-production-app").id });
  fake.workspace("gvfx-production-app").readers.push(cutover.id);
  fake.workspace("gvfx-production-foundation").attributes["global-remote-state"] = true;
  const { said } = await init();
  expect(said).toContain("workspace gvfx-production-cutover: auto-apply true to false");
  expect(said).toContain("workspace gvfx-production-cutover: an apply of gvfx-production-app makes no run of it any more");
  expect(said).toContain("workspace gvfx-production-app: its state is no longer read by gvfx-production-cutover");
  expect([cutover.attributes["auto-apply"], cutover.triggers, fake.workspace("gvfx-production-app").readers, fake.workspace("gvfx-production-foundation").attributes["global-remote-state"]]).toEqual([false, [], [], false]);
});

test("a variable that is there is left as it is; one that nobody has given is named with where it is taken from", async () => {
  const { said, exit } = await init([], { ...CREDENTIALS, HCP_APP_NOMAD_TOKEN: undefined });
  expect(exit).toBe(1);
  expect(said).toMatch(/missing in gvfx-production-app: NOMAD_TOKEN \(foundation's deployer-token\): set HCP_APP_NOMAD_TOKEN, and run this again/);
  fake.workspace("gvfx-production-app").variables.push({ key: "NOMAD_TOKEN", value: "given by hand", sensitive: true });
  expect((await init()).exit).toBe(0);
  expect(fake.workspace("gvfx-production-app").variables).toEqual([{ key: "NOMAD_TOKEN", value: "given by hand", sensitive: true }]);
});

test.each<[string, () => Promise<unknown>, RegExp]>([
  ["an environment with its states in files", () => init([], CREDENTIALS, parseEnvironment("production", production)), /keeps its states in files; for HCP Terraform write backend/],
  ["no token", () => init([], { ...CREDENTIALS, TFE_TOKEN: "" }), /TFE_TOKEN is not set/],
  ["a token that is not known", () => init([], { ...CREDENTIALS, TFE_TOKEN: "another" }), /answered with status 401: TFE_TOKEN is not one of example-org/],
  ["no such agent pool", () => init(["--agent-pool", "nobody"]), /no agent pool "nobody": runs need an agent that is on the tailnet/],
])("%s is refused, and nothing is changed", async (_what, run, message) => {
  await expect(run()).rejects.toThrow(message);
  expect(fake.changes).toEqual([]);
});
