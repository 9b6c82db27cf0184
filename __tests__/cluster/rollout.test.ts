import { ref, Token } from "cdktf";
import { NodeRollout } from "../../constructs/cluster/rollout";
import { TerraformData } from "../../constructs/state/terraform-data";
import { sshConnection } from "../../constructs/cluster/ssh";
import type { ClusterNode } from "../../constructs/cluster/node";
import { cluster, environment, existing, secretsOf, synthesize, WITNESS_KEY, type Cluster } from "./cluster";
import { clusterNodes } from "../../constructs/cluster/node";

interface Step {
  readonly triggers_replace: Readonly<Record<string, string>>;
  readonly depends_on?: readonly string[];
  readonly provisioner: readonly Readonly<Record<string, { readonly connection: Readonly<Record<string, unknown>>; readonly inline?: readonly string[]; readonly content?: string; readonly destination?: string }>>[];
}

function rollout({ env, all }: Cluster, sshPrivateKey?: string) {
  const made = synthesize((stack) => void new NodeRollout(stack, "nodes", { env, nodes: all, secrets: secretsOf, ...(sshPrivateKey ? { sshPrivateKey } : {}) }));
  const steps = Object.fromEntries(Object.entries(made.resource.terraform_data).map(([id, step]) => [/^nodes_(.*)_[0-9A-F]{8}$/.exec(id)![1], step as unknown as Step]));
  return { ...made, steps };
}

const example = cluster();
const { steps, locals } = rollout(example);
/** Names of the steps that a step waits for. */
const waitsFor = (step: Step): string[] => (step.depends_on ?? []).map((id) => /^terraform_data\.nodes_(.*)_[0-9A-F]{8}$/.exec(id)![1]).sort();

test("every node is started at once, then the running ones take their turn one after the other", () => {
  expect(Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, waitsFor(step)]))).toEqual({
    "start-server-1": [],
    "start-server-2": [],
    "start-witness": [],
    "turn-witness": ["start-server-1", "start-server-2", "start-witness"],
    "turn-server-2": ["turn-witness"],
    "turn-server-1": ["turn-server-2"],
  });
});

test("the quorum is the last turn, whichever node holds the data", () => {
  const { env, all } = cluster(existing((input) => { input.dataPlane.node = "server-2"; }));
  const { resource } = synthesize((stack) => {
    const { quorum } = new NodeRollout(stack, "nodes", { env, nodes: all, secrets: secretsOf });
    new TerraformData(stack, "after", { dependsOn: [quorum] });
  });
  expect(resource.terraform_data.after.depends_on).toEqual([expect.stringMatching(/^terraform_data\.nodes_turn-server-2_/)]);
});

test("each connection is made to a pinned host key, with the agent's keys, and runs where no other user reaches", () => {
  const keys: Record<string, string> = Object.fromEntries(example.all.map(({ name, ssh }) => [name, ssh.hostKey]));
  for (const [name, step] of Object.entries(steps)) {
    const connections = step.provisioner.map((p) => Object.values(p)[0].connection);
    expect([name, connections.length]).toEqual([name, 3]);
    for (const connection of connections) {
      expect(connection).toMatchObject({ type: "ssh", agent: "true", host_key: keys[name.replace(/^(start|turn)-/, "")] });
      expect(connection).not.toHaveProperty("private_key");
      expect(connection.script_path).toMatch(/^\.\/\.gvfx-rollout/);
    }
  }
});

test("a private key, where one is given, takes the agent's place", () => {
  for (const step of Object.values(rollout(example, "${file(\"key\")}").steps)) {
    for (const p of step.provisioner) expect(Object.values(p)[0].connection).toMatchObject({ agent: "false", private_key: "${file(\"key\")}" });
  }
});

test("a node without a host key is refused: whoever answered would be given the cluster's keys", () => {
  const node: ClusterNode = { ...example.server1, ssh: { ...example.server1.ssh, hostKey: "" } };
  expect(() => sshConnection(node, { scriptPath: "./x" })).toThrow(/server-1 has no SSH host key, so whoever answers at 100\.64\.0\.11/);
});

test("the folder that takes the keys is made for its owner alone, before they are sent", () => {
  for (const step of Object.values(steps)) {
    const [folder, delivery, apply] = step.provisioner;
    expect(folder["remote-exec"].inline).toEqual(["#!/bin/sh\numask 077; rm -rf .gvfx-rollout; mkdir .gvfx-rollout"]);
    expect(delivery.file.destination).toBe(".gvfx-rollout/bundle");
    expect(delivery.file.content).toMatch(/^\$\{local\.nodes_bundle-/);
    expect(apply["remote-exec"].inline).toHaveLength(3);
  }
});

test("the state is given hashes: of a bundle no more than that", () => {
  for (const step of Object.values(steps)) {
    expect(step.triggers_replace).toEqual({
      bundle: expect.stringMatching(/^\$\{nonsensitive\(sha256\(local\.nodes_bundle-[\w-]+\)\)\}$/),
      settings: expect.stringMatching(/^\$\{sha256\(local\.nodes_settings-[\w-]+\)\}$/),
      script: expect.stringMatching(/^\$\{sha256\(local\.nodes_script_\w+\)\}$/),
    });
  }
});

test("no secret is in what a run prints: Terraform hides the output of a command that holds one", () => {
  const printed = Object.entries(locals).filter(([name]) => !name.startsWith("nodes_bundle-"));
  expect(printed).toHaveLength(4);
  for (const [, text] of printed) expect(text).not.toContain("SECRET");
  for (const step of Object.values(steps)) expect(JSON.stringify([step.provisioner[0], step.provisioner[2], step.triggers_replace])).not.toContain("SECRET");
});

test("the same environment gives the same text, twice", () => {
  expect(rollout(example).text).toBe(rollout(cluster()).text);
});

test("a witness that Vultr makes: its address and key run through every part as expressions", () => {
  const env = environment();
  const all = clusterNodes(env, { address: Token.asString(ref("terraform_data.address.output")), hostKey: WITNESS_KEY });
  const made = rollout({ ...example, env, all });
  const text = Object.entries(made.locals);
  expect(text.find(([name]) => name.startsWith("nodes_settings-server-1"))![1]).toContain("witness ${terraform_data.address.output}");
  expect(text.find(([name]) => name.startsWith("nodes_bundle-server-1"))![1]).toContain('"${terraform_data.address.output}"');
});
