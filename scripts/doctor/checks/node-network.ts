/** Node: its address and key in the tailnet, and whether it gets to what it needs. */
import type { Environment } from "../../../environments/schema";
import { fail, inconclusive, pass, type Outcome } from "../check";
import type { NodeFacts } from "../probe/facts";
import { requiredEndpoints, UNREAL_NAME, type ProbedNode } from "../probe/plan";

export function addressOutcome(node: ProbedNode, { addresses, tailscale }: NodeFacts): Outcome {
  if (!addresses.includes(node.address)) {
    return addresses.length === 0
      ? inconclusive("the node's addresses could not be seen", `On ${node.name}: apt-get install -y iproute2`)
      : fail(`has ${addresses.filter((a) => !a.startsWith("127.")).join(", ")}, not ${node.address}`, `On ${node.name}: tailscale up; tailscale ip -4. If it has another address, correct the environment file`);
  }
  const name = tailscale?.self?.name;
  if (node.tailnetName !== undefined && name !== undefined && name !== node.tailnetName) return fail(`is ${name} in the tailnet, not ${node.tailnetName}`, `Correct nodes[].tailnetName of ${node.name} in the environment file`);
  return pass(name === undefined ? node.address : `${name} ${node.address}`);
}

/** What the node itself knows of its key: no credentials of the tailnet are needed for this. */
export function keyExpiryOutcome(node: ProbedNode, { tailscale }: NodeFacts): Outcome {
  if (!tailscale) return fail("Tailscale is not installed", `On ${node.name}: curl -fsSL https://tailscale.com/install.sh | sh; tailscale up`);
  if (!tailscale.self) return fail("Tailscale does not answer", `On ${node.name}: systemctl enable --now tailscaled; tailscale status`);
  const { keyExpiry, online } = tailscale.self;
  if (!online) return fail("is not online in the tailnet", `On ${node.name}: tailscale status; tailscale up`);
  if (keyExpiry) return fail(`the node's key ends at ${keyExpiry.toISOString()}: it would drop out of the tailnet, and out of the cluster`, `In the admin console (Machines): ${node.name} > … > Disable key expiry`);
  return pass(`does not expire (Tailscale ${tailscale.version})`);
}

/** Whether the paths may be closed until foundation has posted its policy. */
export function reachOutcome(env: Environment, node: ProbedNode, { reach }: NodeFacts): Outcome {
  if (!reach) return inconclusive("connections could not be tried", `On ${node.name}: apt-get install -y bash coreutils`);
  const seen = requiredEndpoints(env, node).map(({ endpoint, purpose }) => ({ purpose, at: `${endpoint.host}:${endpoint.port}`, state: reach.get(`${endpoint.host}:${endpoint.port}`) ?? "other" }));
  const closed = seen.filter(({ state }) => state !== "open");
  const words = { refused: "refuses", silent: "does not answer", unresolved: "has a name that does not resolve", unrouted: "is not routed to", other: "cannot be reached" } as const;
  const detail = closed.map(({ purpose, at, state }) => `${at} (${purpose}) ${state === "open" ? "" : words[state]}`).join("; ");
  if (closed.length === 0) return pass(seen.map(({ at }) => at).join(", "));
  const byPolicy = env.tailnet.enabled && closed.every(({ state, purpose }) => state === "silent" && purpose !== "the registry");
  if (byPolicy) return inconclusive(`${detail}: the tailnet's policy may not let it until foundation has been deployed`, `If it has been: on ${node.name}, tailscale ping ${closed[0].at.split(":")[0]}; and see that the service listens on its tailnet address`);
  return fail(detail, "See that each listens on its tailnet address, that no firewall is between, and that the environment file has the right addresses");
}

const NO_ERROR = 0;
const NO_SUCH_NAME = 3;

/** Once Consul is the node's DNS, every other name goes through these. */
export function recursorsOutcome(node: ProbedNode, { recursors }: NodeFacts, askedFor: string): Outcome {
  if (!recursors) return inconclusive("resolvers could not be asked", `On ${node.name}: apt-get install -y bash coreutils`);
  const wrong = [...recursors].flatMap(([address, bytes]) => {
    // Id "gv" of the question, and the bit that marks an answer.
    if (bytes.length < 8 || bytes[0] !== 0x67 || bytes[1] !== 0x76 || (bytes[2] & 0x80) === 0) return [`${address} does not answer`];
    const code = bytes[3] & 0x0f;
    const answers = bytes[6] * 256 + bytes[7];
    if (askedFor === UNREAL_NAME ? code === NO_ERROR || code === NO_SUCH_NAME : code === NO_ERROR && answers > 0) return [];
    return [`${address} does not resolve ${askedFor} (code ${code}, ${answers} answers)`];
  });
  return wrong.length > 0 ? fail(wrong.join("; "), `On ${node.name}: resolvectl query ${askedFor}; put resolvers that answer the nodes into consul.recursors of the environment file`) : pass([...recursors.keys()].join(", "));
}
