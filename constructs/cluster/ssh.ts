/** How Terraform's own SSH communicator reaches a node. */
import type { SSHProvisionerConnection } from "cdktf";
import { Duration } from "../../contracts/units";
import type { ClusterNode } from "./node";

/** A machine that was just made answers within a minute of joining the tailnet; one that is down should not hold a deploy for long. */
const CONNECT_TIMEOUT = Duration.minutes(3);

export interface SshOptions {
  /**
   * Where Terraform puts the script it runs. It makes the script writable by
   * everybody for a moment, so the place must not be one that others reach.
   */
  readonly scriptPath: string;
  /** Private key to log in with. @default the SSH agent of whoever deploys, so that no key is in the state */
  readonly privateKey?: string;
}

/**
 * A connection to the node whose host key is pinned.
 * @throws Error when there is no host key: the first machine to answer would be given the cluster's keys
 */
export function sshConnection(node: ClusterNode, options: SshOptions): SSHProvisionerConnection {
  const { user, host, port, hostKey } = node.ssh;
  if (!hostKey) throw new Error(`${node.name} has no SSH host key, so whoever answers at ${host} would be given the cluster's keys; set ssh.hostKey to the node's /etc/ssh/ssh_host_ed25519_key.pub`);
  return {
    type: "ssh",
    user,
    host,
    port,
    hostKey,
    scriptPath: options.scriptPath,
    timeout: `${CONNECT_TIMEOUT}`,
    ...(options.privateKey === undefined ? { agent: "true" } : { agent: "false", privateKey: options.privateKey }),
  };
}
