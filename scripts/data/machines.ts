/** The machines that data commands log in to: the environment's address and host key, and in a lab the lab's own login. */
import type { SshTarget } from "../clients/ssh";
import type { Environment } from "../../environments/schema";
import { withLabHostKeys } from "../lab/access";
import { labIdentity } from "../lab/ssh-login";

/** @throws Error when the host has no host key: the lab that makes it is not up */
export function legacyMachine(env: Environment): SshTarget {
  const { legacy, lab } = withLabHostKeys(env);
  return target("legacy", legacy.host.ssh, legacy.host.tailnetAddress, lab && env);
}

/**
 * @param name of an app node
 * @throws Error when there is no such node, or it has no host key
 */
export function nodeMachine(env: Environment, name: string): SshTarget {
  const { nodes, lab } = withLabHostKeys(env);
  const node = nodes.find((candidate) => candidate.name === name);
  if (!node) throw new Error(`"${name}" is no app node of "${env.name}"; there are: ${nodes.map((candidate) => candidate.name).join(", ")}`);
  return target(name, node.ssh, node.tailnetAddress, lab && env);
}

function target(name: string, { user, host, port, hostKey }: Environment["nodes"][number]["ssh"], address: string, lab: Environment | undefined): SshTarget {
  if (!hostKey) throw new Error(`${name} has no host key, so that nothing can tell it from another machine: the lab that makes it is not up; start it with: npm run lab`);
  return { name, user, host: host ?? address, port, hostKey, ...(lab ? { identityFile: labIdentity(lab) } : {}) };
}
