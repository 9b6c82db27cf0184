/**
 * The shell script that looks at a node. It installs nothing and changes nothing
 * but one small file, in the folder whose disk it times, which it removes again.
 *
 * It prints facts, `name=value`, one a line: a shell has no honest way to write
 * JSON. Facts of the same name are a list; `|` parts what belongs together.
 */
import { quoted } from "../../../constructs/cluster/apply/script";
import { PROGRAMS } from "../../../constructs/cluster/paths";
import { PROBE_BODY } from "./body";
import type { Endpoint, ProbePlan } from "./plan";

/** Round trips of which the shortest tells the clock: NTP's own way with an uneven line. */
export const CLOCK_SAMPLES = 5;
/** Synchronous writes that are timed: as few as give a 99th percentile. */
export const SYNC_SAMPLES = 100;
/** A disk so slow that this does not do has been judged by then. */
const SYNC_LIMIT_SECONDS = 8;
/** A program of the node that hangs, and a path that swallows packets, in seconds. */
const COMMAND_LIMIT_SECONDS = 8;
const REACH_LIMIT_SECONDS = 4;

/** First and last line of what the script prints; whatever a login prints before is not ours. */
export const BEGIN = "@gvfx-probe";
export const END = "@gvfx-probe-end";
/** The script asks for a line, and answers it by its clock. */
export const CLOCK_QUESTION = "@clock?";

function list(name: string, lines: readonly string[]): string {
  return `${name}() {\n${lines.length === 0 ? "  :" : `  printf '%s\\n' ${lines.map(quoted).join(" ")}`}\n}`;
}

const words = ({ host, port }: Endpoint): string => `${host} ${port}`;

/** The script for one node. */
export function probeScript(plan: ProbePlan): string {
  const settings: Readonly<Record<string, string>> = {
    programs: PROGRAMS,
    gossip_key_file: plan.gossipKeyFile,
    registry_file: plan.registryFile?.path ?? "",
    registry_host: plan.registryFile?.host ?? "",
    credential_helper: plan.credentialHelper ?? "",
    dns_question: dnsQuestion(plan.resolvedName),
    docker_wanted: plan.docker ? "yes" : "",
    clock_samples: `${CLOCK_SAMPLES}`,
    sync_samples: `${SYNC_SAMPLES}`,
    sync_limit: `${SYNC_LIMIT_SECONDS}`,
    limit: `${COMMAND_LIMIT_SECONDS}`,
    reach_limit: `${REACH_LIMIT_SECONDS}`,
    begin: BEGIN,
    end: END,
    clock_question: CLOCK_QUESTION,
  };
  return [
    ...Object.entries(settings).map(([name, value]) => `${name}=${quoted(value)}`),
    list("disk_paths", plan.diskPaths),
    list("sync_paths", plan.syncPaths),
    list("files", plan.files),
    list("certificates", plan.certificates),
    list("tools", plan.tools),
    list("endpoints", plan.endpoints.map(words)),
    list("recursors", plan.recursors.map(words)),
    PROBE_BODY,
  ].join("\n");
}

/** A DNS query for an A record (RFC 1035), as octal escapes for printf. Its id is "gv". */
function dnsQuestion(name: string): string {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label, "ascii")]);
  const bytes = [0x67, 0x76, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1];
  return bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
