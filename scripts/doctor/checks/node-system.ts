/** Node: login, platform, tools, programs, Docker, clock. */
import { BlockList, isIP } from "node:net";
import type { Environment } from "../../../environments/schema";
import { fail, inconclusive, pass, type Outcome } from "../check";
import { clockOutcome } from "../clock";
import type { NodeFacts } from "../probe/facts";
import { HOST_KEY_FILES, type ProbedNode } from "../probe/plan";
import { MIN_DOCKER, NODE_CLOCK_SKEW } from "../thresholds";
import { compareVersions } from "../versions";

export function loginOutcome(node: ProbedNode, { login, root }: NodeFacts): Outcome {
  return root
    ? pass(`${login}, with root's rights`)
    : fail(`${login} may not use sudo without a password: the agents are services of the system`, `On ${node.name}, as root: echo '${login} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/gvfx; chmod 0440 /etc/sudoers.d/gvfx`);
}

/** Of a type, as the files are named. */
export function keyFile(hostKey: string): string {
  return hostKey.startsWith("ecdsa") ? "ecdsa" : hostKey.startsWith("ssh-rsa") ? "rsa" : "ed25519";
}

/** The system's ssh asks for the type that is pinned; Terraform's takes the first that the node has, and a deploy would fail where this command does not. */
export function hostKeyOutcome({ name, hostKey, host }: Pick<ProbedNode, "name" | "hostKey" | "host">, { files }: NodeFacts): Outcome {
  const pinned = keyFile(hostKey);
  const there = HOST_KEY_FILES.filter((path) => files.get(path)?.state === "present");
  const [first] = there;
  if (first === undefined || first.includes(`_${pinned}_`)) return pass(`${pinned}${there.length > 1 ? ", before the others" : ""}`);
  return fail(`${pinned} is pinned, and Terraform would be shown ${first}: a deploy would be refused`, `Pin that one in the environment file (ssh.hostKey of ${name}): ssh ${host} cat ${first}`);
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", amd64: "amd64", aarch64: "arm64", arm64: "arm64" };

/** The programs are pinned as archives for one platform. */
export function platformOutcome({ versions }: Pick<Environment, "versions">, { system, architecture, missingTools }: NodeFacts): Outcome {
  const platform = `${system.toLowerCase()}_${ARCHITECTURES[architecture] ?? architecture}`;
  if (system !== "Linux") return fail(`is ${system || "unknown"}; nodes run Linux with systemd`, "Use a Linux machine");
  const foreign = (["nomad", "consul"] as const).filter((name) => /_(linux|darwin|freebsd|windows)_\w+\.zip$/.test(versions[name].url) && !versions[name].url.includes(platform));
  if (foreign.length > 0) return fail(`is ${platform}, and ${foreign.map((name) => `versions.${name}.url`).join(" and ")} is for another platform`, `Set it, and its sha256, to the archive for ${platform}`);
  if (missingTools.length > 0) return fail(`has no ${missingTools.join(", ")}, which the deploy uses`, "apt-get install -y curl unzip coreutils diffutils systemd");
  return pass(platform);
}

/** Foundation installs what is missing and replaces what is older; it never goes back. */
export function programsOutcome({ versions }: Pick<Environment, "versions">, { programs }: NodeFacts): Outcome {
  const names = ["nomad", "consul"] as const;
  const newer = names.filter((name) => programs[name] !== undefined && compareVersions(programs[name], versions[name].version) > 0);
  if (newer.length > 0) {
    return fail(
      newer.map((name) => `${name} ${programs[name]} is newer than ${versions[name].version}`).join("; ") + ": state that a newer agent has written cannot be read by an older one",
      `Raise ${newer.map((name) => `versions.${name}`).join(" and ")} in the environment file, or remove the agent and its data if nothing uses it`,
    );
  }
  return pass(names.map((name) => (programs[name] === undefined ? `${name} not there yet` : programs[name] === versions[name].version ? `${name} ${programs[name]}` : `${name} ${programs[name]}, to become ${versions[name].version}`)).join(", "));
}

const INSTALL_DOCKER = "curl -fsSL https://get.docker.com | sh; systemctl enable --now docker";

export function dockerOutcome({ images }: Pick<Environment, "images">, { docker, root }: NodeFacts, plainHttp: boolean): Outcome {
  if (!docker) return inconclusive("the engine was not looked at", "Run gvfx doctor again");
  if (docker.state === "absent") return fail("no Docker engine", INSTALL_DOCKER);
  if (docker.state === "silent") {
    return root ? fail(`the engine does not answer: ${docker.complaint}`, "systemctl enable --now docker; journalctl -u docker -n 50") : inconclusive("the engine may be asked by root only", "Give the login sudo without a password (see the check login)");
  }
  if (compareVersions(docker.version, MIN_DOCKER) < 0) return fail(`engine ${docker.version} is older than ${MIN_DOCKER}`, INSTALL_DOCKER);
  const { host } = images.registry;
  // Docker trusts loopback without being told.
  if (plainHttp && !/^(127\.|localhost)/.test(host) && !docker.insecureRegistries.some((known) => known === host || holds(known, host))) {
    return fail(`engine ${docker.version} would not pull from ${host}, which speaks plain HTTP`, `Add "insecure-registries": ["${host}"] to /etc/docker/daemon.json; systemctl restart docker`);
  }
  return pass(`engine ${docker.version}`);
}

/** Whether a range of addresses has the registry's. */
function holds(range: string, registry: string): boolean {
  const [network, prefix] = range.split("/");
  const address = registry.replace(/:\d+$/, "");
  if (prefix === undefined || isIP(network) === 0 || isIP(address) !== isIP(network)) return false;
  const list = new BlockList();
  const family = isIP(network) === 4 ? "ipv4" : "ipv6";
  list.addSubnet(network, Number(prefix), family);
  return list.check(address, family);
}

export function clockCheck(node: ProbedNode, { clock, synchronized }: NodeFacts): Outcome {
  const mend = `On ${node.name}: timedatectl set-ntp true (or chronyc makestep); see first that this machine's own clock is right`;
  const outcome = clockOutcome(clock, NODE_CLOCK_SKEW, "the exchange refuses orders with a wrong time", mend);
  if (outcome.verdict !== "pass" || synchronized !== false) return outcome;
  return fail(`${outcome.detail}, but no time service keeps it: it will drift`, `On ${node.name}: apt-get install -y systemd-timesyncd; timedatectl set-ntp true`);
}
