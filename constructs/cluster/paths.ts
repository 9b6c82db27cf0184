/** Where things are on a node. Bundle, units, agent configuration and the apply script agree on it here. */
import type { Environment } from "../../environments/schema";

export const PROGRAMS = "/usr/local/bin";
export const UNITS = "/etc/systemd/system";
/** What the apply script remembers of its last run; root only. */
export const ROLLOUT_STATE = "/var/lib/gvfx-rollout";
/** Archives of programs; an operator may place one here when the node has no way out. */
export const PROGRAM_CACHE = "/var/cache/gvfx-rollout";
/** Below the SSH user's home, so that no other user of the node can reach it. */
export const STAGING = ".gvfx-rollout";

/** Files of the Nomad agent. They are named one by one on its command line: what else lies in the folder is never read. */
export function nomadPaths({ nomad: { configDir, dataDir } }: Pick<Environment, "nomad">) {
  return {
    config: `${configDir}/agent.json`,
    secrets: `${configDir}/agent-secrets.json`,
    ca: `${configDir}/tls/ca.pem`,
    certificate: `${configDir}/tls/agent.pem`,
    key: `${configDir}/tls/agent-key.pem`,
    /** Where Nomad itself keeps Serf's keys; nobody can name another place. */
    keyring: `${dataDir}/server/serf.keyring`,
    unit: `${UNITS}/nomad.service`,
  };
}

/** Files of the Consul agent, likewise. */
export function consulPaths({ consul: { configDir } }: Pick<Environment, "consul">) {
  return {
    config: `${configDir}/agent.json`,
    secrets: `${configDir}/agent-secrets.json`,
    /** Written on the node from the gossip key's own file. */
    gossip: `${configDir}/agent-gossip.json`,
    /** Copy of the authority that the agent's own user may read. */
    ca: `${configDir}/agent-ca.pem`,
    unit: `${UNITS}/consul.service`,
  };
}
