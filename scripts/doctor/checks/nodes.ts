/** Checks of the nodes. Each node is looked at once, by one login; what is seen is judged by the functions beside this file. */
import type { Environment } from "../../../environments/schema";
import { SshFailure } from "../../clients/ssh";
import { fail, inconclusive, pass, type Check, type Outcome } from "../check";
import type { DoctorContext } from "../context";
import type { NodeFacts } from "../probe/facts";
import { UnreadableFacts } from "../probe/parse-facts";
import { consulSpeaksTls, probedNodes, probePlan, volumesRoot, type ProbedNode } from "../probe/plan";
import { spaceOutcome, syncOutcome, volumesOutcome } from "./node-disk";
import { agentCertificateOutcome, authorityOutcome, gossipKeyOutcome, registryCredentialsOutcome } from "./node-files";
import { addressOutcome, keyExpiryOutcome, reachOutcome, recursorsOutcome } from "./node-network";
import { legacyOutcome, portsOutcome } from "./node-ports";
import { clockCheck, dockerOutcome, hostKeyOutcome, keyFile, loginOutcome, platformOutcome, programsOutcome } from "./node-system";

export function nodeChecks(env: Environment): Check[] {
  return probedNodes(env).flatMap((node) => checksOf(env, node));
}

type Judge = (facts: NodeFacts, context: DoctorContext) => Outcome | Promise<Outcome>;

function checksOf(env: Environment, node: ProbedNode): Check[] {
  const ssh = `ssh ${node.user}@${node.host}:${node.port}`;
  const base = { target: node.name, needs: [ssh] };
  const check = (id: string, title: string, judge: Judge): Check => ({ ...base, id: `${node.name}.${id}`, title, run: (context) => judged(node, context, judge) });
  const app = node.role === "app";
  const { resolvedName } = probePlan(env, node);
  const legacy = legacyOutcome(env, node);
  const vaultCaFile = env.vault.caFile;
  const volumes = volumesRoot(env, node);
  return [
    { ...base, id: `${node.name}.ssh`, title: "answers SSH with its own key", run: (context) => sshOutcome(node, context) },
    check("login", "login", (facts) => loginOutcome(node, facts)),
    check("host-key", "the host key that Terraform compares", (facts) => hostKeyOutcome(node, facts)),
    check("platform", "platform and tools", (facts) => platformOutcome(env, facts)),
    check("programs", "versions of Nomad and Consul", (facts) => programsOutcome(env, facts)),
    ...(app ? [check("docker", "Docker engine", async (facts, context) => dockerOutcome(env, facts, await speaksPlainHttp(context)))] : []),
    check("ports", "free ports", (facts) => portsOutcome(env, node, facts)),
    ...(legacy ? [{ ...base, needs: [], id: `${node.name}.legacy-ports`, title: "legacy has left the platform's ports", run: async () => legacy }] : []),
    check("clock", "clock", (facts) => clockCheck(node, facts)),
    check("disk", "disk space", (facts) => spaceOutcome(env, node, facts)),
    check("fsync", "synchronous writes", (facts) => syncOutcome(node, facts)),
    check("address", "tailnet address", (facts) => addressOutcome(node, facts)),
    ...(env.tailnet.enabled ? [check("key-expiry", "tailnet key", (facts) => keyExpiryOutcome(node, facts))] : []),
    check("reach", "reaches what it needs", (facts) => reachOutcome(env, node, facts)),
    check("recursors", "resolvers", (facts) => recursorsOutcome(node, facts, resolvedName)),
    check("gossip-key", "Consul's gossip key", (facts) => gossipKeyOutcome(env, facts)),
    check("agent-certificate", "certificate of Nomad's agent", (facts) => agentCertificateOutcome(env, facts)),
    ...(consulSpeaksTls(env) ? [check("consul-authority", "authority of Consul's servers", (facts) => authorityOutcome(env.consul.caFile, "Consul servers'", facts))] : []),
    ...(app && vaultCaFile !== undefined ? [check("vault-authority", "authority of Vault", (facts) => authorityOutcome(vaultCaFile, "Vault servers'", facts))] : []),
    ...(app ? [check("registry-credentials", "registry credentials", (facts) => registryCredentialsOutcome(env, node, facts))] : []),
    ...(volumes !== undefined ? [check("volumes", "folder of the volumes", (facts) => volumesOutcome(node, volumes, facts))] : []),
  ];
}

/** Undecided counts as no: the check of the registry says so itself. */
async function speaksPlainHttp({ registry }: DoctorContext): Promise<boolean> {
  return registry.state().then(({ scheme }) => scheme === "http", () => false);
}

async function judged(node: ProbedNode, context: DoctorContext, judge: Judge): Promise<Outcome> {
  try {
    return await judge(await context.facts(node), context);
  } catch (error) {
    if (error instanceof SshFailure || error instanceof UnreadableFacts) return inconclusive("not looked at: the node could not be logged in to", `Mend ${node.name}.ssh first`);
    throw error;
  }
}

async function sshOutcome(node: ProbedNode, context: DoctorContext): Promise<Outcome> {
  try {
    await context.facts(node);
    return pass(`${node.user}@${node.host}`);
  } catch (error) {
    if (error instanceof UnreadableFacts) return inconclusive(error.message, `ssh ${node.user}@${node.host} -p ${node.port} sh -c true, and see that it prints nothing and ends at once`);
    if (!(error instanceof SshFailure)) throw error;
    return sshTrouble(node, error);
  }
}

export function sshTrouble(node: ProbedNode, { reason, message }: SshFailure): Outcome {
  const login = `ssh -p ${node.port} ${node.user}@${node.host}`;
  switch (reason) {
    case "host-key":
      return fail(`${message}: it is another machine, or was installed anew`, `On ${node.name}'s own console: cat /etc/ssh/ssh_host_${keyFile(node.hostKey)}_key.pub. If you trust what you see there, set ssh.hostKey of ${node.name} in the environment file to it`);
    case "denied":
      return fail(`does not let ${node.user} in: ${message}`, `ssh-add the key that may log in, or put it there: ssh-copy-id -p ${node.port} ${node.user}@${node.host}; then try: ${login} true`);
    case "unreachable":
      return fail(`does not answer: ${message}`, `Join this machine to the tailnet (tailscale status); see that the node is up and runs an SSH server; then try: ${login} true`);
    case "no-ssh":
      return inconclusive(message, "apt-get install -y openssh-client");
    case "interrupted":
      return inconclusive(message, "Run gvfx doctor again");
    default:
      return fail(message, `Try: ${login} true`);
  }
}
