/** What was seen of a node. Judging it is the checks' part. */
import type { X509Certificate } from "node:crypto";
import type { ClockOffset } from "../../clients/http";

export interface Listener {
  readonly protocol: "tcp" | "udp";
  /** `*` for every IPv4 address. */
  readonly address: string;
  readonly port: number;
  /** Program that listens; undefined when it could not be seen. */
  readonly program: string | undefined;
}

export type FileFacts =
  | { readonly state: "absent" }
  | { readonly state: "hidden" }
  | { readonly state: "present"; /** Permission bits. */ readonly mode: number; readonly owner: string; readonly isFolder: boolean; readonly size: number };

export interface DiskFacts {
  readonly path: string;
  /** The path, or the nearest folder above it that exists. */
  readonly existing: string;
  /** What tells filesystems apart. */
  readonly filesystem: string;
  readonly freeBytes: number;
  /** Free inodes, 0 to 1; undefined where the filesystem counts none. */
  readonly freeInodes: number | undefined;
}

export type DockerFacts =
  | { readonly state: "absent" }
  | { readonly state: "silent"; readonly complaint: string }
  | { readonly state: "answers"; readonly version: string; readonly insecureRegistries: readonly string[] };

export interface TailscaleFacts {
  readonly version: string;
  /** Undefined when the daemon does not answer. */
  readonly self: { readonly name: string; readonly addresses: readonly string[]; /** Undefined: the key does not expire. */ readonly keyExpiry: Date | undefined; readonly online: boolean } | undefined;
}

export type ReachState = "open" | "refused" | "silent" | "unresolved" | "unrouted" | "other";

export interface NodeFacts {
  readonly clock: ClockOffset | undefined;
  readonly system: string;
  readonly architecture: string;
  readonly login: string;
  /** The script ran as root, by sudo or at once. */
  readonly root: boolean;
  /** Whether a time service keeps the clock; undefined when the node cannot say. */
  readonly synchronized: boolean | undefined;
  readonly missingTools: readonly string[];
  readonly addresses: readonly string[];
  /** Version by program; undefined when it is not installed. */
  readonly programs: Readonly<Record<string, string | undefined>>;
  readonly docker: DockerFacts | undefined;
  readonly dockerRoot: string | undefined;
  /** Undefined when the program is not installed. */
  readonly tailscale: TailscaleFacts | undefined;
  /** Undefined when it could not be seen. */
  readonly listeners: readonly Listener[] | undefined;
  readonly files: ReadonlyMap<string, FileFacts>;
  /** By path; empty when there is no certificate in the file. */
  readonly certificates: ReadonlyMap<string, readonly X509Certificate[]>;
  /** Length of the decoded gossip key; undefined when the file could not be read. */
  readonly gossipKeyBytes: number | undefined;
  readonly registryListed: boolean | undefined;
  /** Where the credential helper is; empty when it is not on the path. */
  readonly credentialHelper: string | undefined;
  /** By `host:port`; undefined when the node has no way to try. */
  readonly reach: ReadonlyMap<string, ReachState> | undefined;
  /** First bytes of each recursor's answer; undefined as above. */
  readonly recursors: ReadonlyMap<string, readonly number[]> | undefined;
  readonly disks: readonly DiskFacts[];
  /** Seconds of each synchronous write, by path; empty when the node let none be made. Disks that were timed under another path are absent. */
  readonly syncs: ReadonlyMap<string, { readonly folder: string; readonly seconds: readonly number[] }>;
}
