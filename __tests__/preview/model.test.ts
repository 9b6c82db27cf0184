import { SECRETS } from "../../contracts/secrets";
import { JOBS } from "../../contracts/services";
import { tailnetPolicy, hasTailnet } from "../../constructs/tailnet/policy";
import { parseEnvironment } from "../../environments/parse";
import { example as production } from "../jobs/worked-example";
import { stackModels } from "../../scripts/preview/model/stacks";
import type { SynthesizedStack } from "../../scripts/preview/synthesized";
import { STACK_IDS } from "../../synth";
import { LONG_NAMES, modelOf } from "./platform";

// Some tests synthesize all four stacks again, beside other suites on few cores.

const model = modelOf(production);
const job = (id: string) => model.jobs.find((candidate) => candidate.id === id)!;
const calls = (from: string, to: string) => model.flows.find((flow) => flow.from === from && flow.to === to);

describe("stacks", () => {
  test("come in the order of deployment, each after the one before", () => {
    expect(model.stacks.map((stack) => stack.id)).toEqual([...STACK_IDS]);
    expect(model.stacks.map((stack) => stack.after)).toEqual([[], ["foundation"], ["data-plane"], ["app"]]);
  });

  test("count every resource once, by construct and by type", () => {
    for (const stack of model.stacks) {
      expect(stack.constructs.reduce((sum, construct) => sum + construct.resources, 0)).toBe(stack.resources);
      for (const construct of stack.constructs) expect(construct.types.reduce((sum, { count }) => sum + count, 0)).toBe(construct.resources);
    }
    expect(model.stacks.find((stack) => stack.id === "data-plane")).toMatchObject({ resources: 4, kept: 3 });
  });

  test("say which value crosses, where it comes from and what uses it", () => {
    for (const stack of model.stacks.filter(({ id }) => id !== "foundation")) {
      expect(stack.reads).toContainEqual({ from: "foundation", value: expect.stringMatching(/^tls_[a-z_]+\..*pem$/), usedBy: expect.arrayContaining(["provider nomad"]) });
    }
    expect(model.stacks[0].reads).toEqual([]);
  });

  test("an indirect dependency is not named again, and a value is found wherever it is used", () => {
    const read = "${data.terraform_remote_state.cross-stack-reference-input-first.outputs.cross-stack-output-thing}";
    const stacks: Record<string, SynthesizedStack> = {
      third: { dependencies: ["first", "second"], terraform: { resource: { thing: { user: { "//": { metadata: { path: "third/users/user" } }, settings: [{ key: read }], lifecycle: { prevent_destroy: true } } } }, data: { terraform_remote_state: { first: {} }, lookup: { one: {} } } } },
      second: { dependencies: ["first"], terraform: {} },
      first: { dependencies: [], terraform: { output: { "cross-stack-output-thing": { value: "${thing.made.id}", sensitive: true } } } },
    };
    const [, , third] = stackModels(stacks);
    expect(third).toEqual({
      id: "third",
      after: ["second"],
      resources: 1,
      kept: 1,
      constructs: [{ id: "users", resources: 1, types: [{ type: "thing", count: 1 }] }],
      lookups: 1,
      ephemerals: 0,
      reads: [{ from: "first", value: "thing.made.id", usedBy: ["thing.user"] }],
    });
  });
});

describe("jobs", () => {
  test("every job of the platform is deployed by a stack", () => {
    expect(model.jobs.map(({ id }) => id).sort()).toEqual(Object.values(JOBS).sort());
    expect(job(JOBS.worker).stack).toBe("app");
    expect(job(JOBS.postgres).stack).toBe("data-plane");
  });

  test("say how many copies, where, how they are checked and replaced", () => {
    expect(job(JOBS.worker)).toMatchObject({ kind: "singleton", count: 1, copies: "1, never 2", placement: "any app node", nodes: ["server-1", "server-2"], kept: true, health: ["GET /healthz"], update: "stop, then start" });
    expect(job(JOBS.api)).toMatchObject({ kind: "replicated", count: 2, placement: "spread over app nodes", kept: false, health: ["GET /health"], checkedEvery: "5s", update: "1 canary, automatic", updateLimit: "healthy for 10s within 5m, else reverted" });
    expect(job(JOBS.gateway)).toMatchObject({ kind: "system", count: 2, copies: "one a node", placement: "every app node", update: "node by node" });
    expect(job(JOBS.postgres)).toMatchObject({ nodes: ["server-1"], placement: "server-1, its volume", volume: JOBS.postgres, health: ["TCP"], ports: [{ label: "postgres", to: 5432, node: 5432 }] });
    expect(job(JOBS.backup)).toMatchObject({ kind: "periodic", count: 1, copies: "1, every 10m", nodes: ["server-2"], placement: "server-2, its volume", kept: false, volume: JOBS.backup, health: [], update: "with the next run", updateLimit: "" });
    expect(job(JOBS.images)).toMatchObject({ stack: "app", kind: "sysbatch", count: 2, copies: "1, every 1h", nodes: ["server-1", "server-2"], placement: "every app node", kept: false, health: [], update: "with the next run", updateLimit: "" });
  });

  test("no job may run on the witness", () => {
    expect(model.jobs.flatMap(({ nodes }) => nodes)).not.toContain("witness");
  });
});

describe("flows", () => {
  test("are what jobs name in their environment and templates", () => {
    expect(calls(JOBS.frontend, JOBS.gateway)?.ports).toEqual(["8787"]);
    expect(calls(JOBS.worker, JOBS.convex)?.ports).toEqual(["3210"]);
    expect(calls(JOBS.convex, JOBS.postgres)?.ports).toEqual(["5432"]);
    expect(calls(JOBS.convex, JOBS.objectstore)?.ports).toEqual(["9000"]);
    expect(calls(JOBS.gateway, JOBS.api)).toMatchObject({ ports: [], what: "as gvfx-api-alloc" });
    expect(calls(JOBS.gateway, "legacy")?.ports).toEqual(["3000", "8787", "9101"]);
    expect(calls(JOBS.rlService, JOBS.postgres)).toBeUndefined();
    expect(calls(JOBS.backup, JOBS.postgres)?.ports).toEqual(["5432"]);
    expect(calls(JOBS.backup, JOBS.objectstore)?.ports).toEqual(["9000"]);
  });

  test("follow from the secrets that a job may read", () => {
    expect(calls(JOBS.worker, JOBS.postgres)?.ports).toEqual(["5432"]);
    expect(calls(JOBS.worker, "exchanges")?.ports).toEqual(["443"]);
    expect(calls(JOBS.rlService, "exchanges")).toBeUndefined();
    expect(calls(JOBS.rlService, "vault")).toBeUndefined();
  });

  test("of people are what the tailnet grants", () => {
    expect(calls("users", JOBS.gateway)?.ports).toEqual(["3000", "8787"]);
    expect(calls("users", JOBS.postgres)).toBeUndefined();
    expect(calls("users", "nomad")).toBeUndefined();
    expect(calls("operators", "nomad")?.ports).toEqual(["4646"]);
  });

  test("to legacy end with it", () => {
    const retired = modelOf({ ...production, legacy: { ...production.legacy, retired: true } });
    expect(retired.flows.filter(({ to }) => to === "legacy")).toEqual([]);
    expect(retired.parties.map(({ id }) => id)).not.toContain("legacy");
  });

  test("follow moved ports and another domain", () => {
    const moved = modelOf({ ...production, ports: { ...production.ports, postgres: 15432, convex: 13210 }, consul: { ...production.consul, domain: "east.consul" } });
    expect(moved.flows.find((flow) => flow.from === JOBS.convex && flow.to === JOBS.postgres)?.ports).toEqual(["15432"]);
    expect(moved.flows.find((flow) => flow.from === JOBS.api && flow.to === JOBS.convex)?.ports).toEqual(["13210"]);
  });

  test("both ends of each are parties", () => {
    const parties = model.parties.map(({ id }) => id);
    for (const { from, to } of model.flows) expect(parties).toEqual(expect.arrayContaining([from, to]));
  });
});

test("access is the tailnet's policy, grant by grant", () => {
  const environment = parseEnvironment("production", production);
  if (!hasTailnet(environment) || !model.access.enabled) throw new Error("production has a tailnet");
  const policy = tailnetPolicy(environment);
  expect(model.access.grants.map(({ from, to, purpose }) => ({ from, to, purpose }))).toEqual(policy.grants.map(({ src, dst, purpose }) => ({ from: src, to: dst, purpose })));
  expect(model.access.grants[0].ports).toBe("tcp 3000 8787 53, udp 53");
  expect(model.access.tests).toBe(policy.tests.length);
});

test("traffic by an exit node says so", () => {
  const { access } = modelOf(LONG_NAMES);
  expect(access.enabled && access.grants.filter(({ via }) => via.length > 0)).toMatchObject([{ to: ["autogroup:internet"], ports: "every port", via: [expect.stringMatching(/^tag:exit-/)] }]);
});

test("an environment without a tailnet gives the reason", () => {
  const without = modelOf({
    ...production,
    tailnet: { enabled: false, reason: "the network is another" },
    vultr: { enabled: false, reason: "the machine exists" },
    witness: { ...production.witness, tailnetAddress: "100.64.0.13", ssh: { ...production.witness.ssh, hostKey: production.nodes[0].ssh.hostKey } },
  });
  expect(without.access).toEqual({ enabled: false, reason: "the network is another" });
  expect(without.parties.filter(({ kind }) => kind === "people")).toEqual([]);
  expect(without.nodes.at(-1)).toMatchObject({ name: "witness", address: "100.64.0.13", machine: "exists already" });
});

test("each secret has a path below the mount, its readers and its origin", () => {
  const fields = model.secrets.flatMap(({ path, readers, fields: entries }) => entries.map(({ field, origin, required }) => ({ path, readers, field, origin, required })));
  expect(fields).toHaveLength(SECRETS.length);
  for (const { path, readers, field, origin, required } of SECRETS) expect(fields).toContainEqual({ path: `gvfx/${path}`, readers, field, origin, required });
});

test("images say whether they are pinned and who runs them", () => {
  expect(model.images.find(({ role }) => role === "backend")?.jobs).toEqual(expect.arrayContaining([JOBS.api, JOBS.worker]));
  expect(model.images.every(({ jobs }) => jobs.length > 0)).toBe(true);
});
