/** Files with which the system's ssh logs in to the lab's machines, host keys pinned. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CLUSTER_PORTS } from "../../contracts/services";
import type { Environment, Lab } from "../../environments/schema";
import { labAccess, type LabAccess } from "./access";
import { labMachines, publishedAddress } from "./machines";

export const SSH_FOLDER = ".gvfx/lab/ssh";

/** Where ssh finds a machine. */
export interface SshEntrance {
  readonly machine: string;
  readonly user: string;
  readonly host: string;
  readonly port: string;
}

export function sshEntrances(env: Environment, lab: Lab): SshEntrance[] {
  return labMachines(env, lab).flatMap((machine) => {
    const address = publishedAddress(machine, (machine.role === "legacy" ? lab.legacySshPort : undefined) ?? CLUSTER_PORTS.ssh);
    if (!address) return [];
    const [host, port] = address.split(":");
    const node = [...env.nodes, env.witness].find(({ name }) => name === machine.name);
    return [{ machine: machine.name, user: node?.ssh.user ?? env.legacy.host.ssh.user, host, port }];
  });
}

/** Lines of a known_hosts file. */
export function knownHosts(entrances: readonly SshEntrance[], hostKeys: LabAccess["hostKeys"]): string {
  return entrances.map(({ machine, host, port }) => `[${host}]:${port} ${hostKeys[machine]}\n`).join("");
}

/** Writes key and known hosts, and returns ssh's options for them. */
export function writeSshLogin(env: Environment, lab: Lab, access: LabAccess): string[] {
  const folder = resolve(SSH_FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [key, hosts] = [join(folder, "id"), join(folder, "known_hosts")];
  // Anew: an existing file keeps its mode, and ssh refuses a key that others can read.
  rmSync(key, { force: true });
  writeFileSync(key, access.sshPrivateKey, { mode: 0o600 });
  writeFileSync(hosts, knownHosts(sshEntrances(env, lab), access.hostKeys));
  return ["-i", key, "-o", "IdentitiesOnly=yes", "-o", `UserKnownHostsFile=${hosts}`];
}

/** File of the one key that the lab's machines know, which is in its state. @throws Error when the lab is not up */
export function labIdentity(env: Environment): string {
  writeSshLogin(env, env.lab!, labAccess(env));
  return join(resolve(SSH_FOLDER), "id");
}
