/** How this host gives a process a PID namespace of its own: tried, since kernels, distributions and containers all have a say. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findTool } from "./containment-child.mjs";

/** Where unshare and setpriv come from, and since when they can do what is asked of them. */
const TOOLS = "util-linux 2.35 or newer (Debian 11, Ubuntu 22.04): apt-get install util-linux";
/** An answer that no failure of unshare gives. */
const WORKS = 7;
/** Each tool starts in milliseconds; ten seconds is a machine that does not answer. */
const ANSWER_WITHIN_MS = 10_000;

/** Settings of the kernel that forbid user namespaces, with the value that does. */
const SETTINGS = [
  { name: "kernel.apparmor_restrict_unprivileged_userns", forbids: "1", allow: "0", of: "Ubuntu 23.10 and newer" },
  { name: "kernel.unprivileged_userns_clone", forbids: "0", allow: "1", of: "Debian and hardened kernels" },
  { name: "user.max_user_namespaces", forbids: "0", allow: "15000", of: "every Linux" },
  { name: "user.max_pid_namespaces", forbids: "0", allow: "15000", of: "every Linux" },
];

/** @param {string} name @returns {string | undefined} undefined where the kernel has no such setting */
function setting(name) {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();
  } catch {
    return undefined;
  }
}

/**
 * What belongs before a command, or why there is nothing that works.
 * @param { { root?: boolean, tool?: (name: string) => string | undefined, read?: (setting: string) => string | undefined }} [host]
 * @returns { { unshare?: readonly string[], problem?: string }}
 */
export function unshareCommand({ root = process.geteuid?.() === 0, tool = findTool, read = setting } = {}) {
  const [setpriv, unshare] = [tool("setpriv"), tool("unshare")];
  if (!setpriv || !unshare) return { problem: `${[setpriv ? "" : "setpriv", unshare ? "" : "unshare"].filter(Boolean).join(" and ")} not found. Without them the worker could outlive this program. Install ${TOOLS}` };
  // Root needs no user namespace, in which no other user can be had; a container's root may need one all the same.
  const users = [...(root ? [[]] : []), ["--user", "--map-current-user"]];
  // With a /proc of its own the command's own PID is right there too; in a container that is often forbidden, and not needed.
  const mounts = [["--mount-proc", "--propagation", "slave"], []];
  let said = "";
  for (const user of users) {
    for (const mount of mounts) {
      const command = [setpriv, "--pdeathsig", "KILL", "--", unshare, ...user, "--pid", "--fork", "--kill-child=KILL", ...mount, "--"];
      const { status, stderr, error } = spawnSync(command[0], [...command.slice(1), "/bin/sh", "-c", `exit ${WORKS}`], { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"], timeout: ANSWER_WITHIN_MS });
      if (status === WORKS) return { unshare: command };
      said = (error?.message ?? stderr ?? "").trim().split("\n")[0] || `status ${status}`;
    }
  }
  const forbidding = SETTINGS.filter(({ name, forbids }) => read(name) === forbids);
  const fixes = [
    ...forbidding.map(({ name, forbids, allow, of }) => `allow it (${name} is ${forbids}; ${of}): echo '${name} = ${allow}' | sudo tee /etc/sysctl.d/60-worker-lease.conf && sudo sysctl --system`),
    ...(forbidding.length === 0 ? [`use ${TOOLS}`, "in a container, let it: --security-opt seccomp=unconfined"] : []),
    ...(root ? [] : ["or run this program as root, and the command as its user: ... -- setpriv --reuid USER --regid GROUP --init-groups COMMAND"]),
  ];
  return { problem: `no PID namespace can be made for the worker (${said}). Nothing is started, since what it starts could outlive this program. Fix one:\n${fixes.map((fix) => `  - ${fix}`).join("\n")}` };
}
