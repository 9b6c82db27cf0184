/** What a restore is made of: where it may begin, what was found on the nodes, and what it does. */
import type { BackupManifest } from "../../../contracts/backup";
import { JOBS } from "../../../contracts/services";
import { hostVolume, STATEFUL_JOBS } from "../../../contracts/volumes";

/** One backup that can be restored. */
export interface RestorePoint {
  /** restic's snapshot, 64 hex digits. */
  readonly id: string;
  /** When its run began to store it. What was committed before the run's dump is in it: its manifest says exactly. */
  readonly time: Date;
}

/** Where the repository is read: on the disk of an app node, or at the environment's S3 address. */
export type RepositorySource = { readonly kind: "local"; readonly node: string } | { readonly kind: "s3" };

/** `beside`: into a folder of its own, proven, and left there. `in-place`: then put in place of the data. `rehearse`: proven, then removed. */
export type RestoreMode = "beside" | "in-place" | "rehearse";

/** Host volumes that a restore makes, by their name; each is a folder below the node's volumesRoot. */
export const RESTORED_VOLUMES: readonly string[] = STATEFUL_JOBS.map(hostVolume);

export interface VolumeFacts {
  readonly name: string;
  readonly path: string;
  readonly state: "missing" | "empty" | "filled";
  /** It is a file system of its own, which cannot be renamed. */
  readonly mountPoint: boolean;
  /** Containers and processes that have it open. */
  readonly usedBy: readonly string[];
}

/** One backup, where it was read, and what it holds: all that a restore is planned from. */
export interface RestoreRecord {
  readonly point: RestorePoint;
  readonly from: RepositorySource;
  readonly manifest: BackupManifest;
}

/** A folder that a restore made: `unfinished` is of no use, `proven` may be put in place. */
export interface RestoredFolder {
  readonly path: string;
  /** The first eight digits of the snapshot. */
  readonly shortId: string;
  readonly state: "unfinished" | "proven";
  /** A swap of it has begun, and broke off: part of it may be in place, and nothing may be started on that mixture. */
  readonly begun: boolean;
  /** What it says of itself, so that it is put in place without a repository. Absent where it is not proven, or says nothing that can be read. */
  readonly record?: RestoreRecord;
}

/** The run that works on a node, as it wrote itself down there. */
export interface RunOwner {
  readonly run: string;
  /** The operator's machine. */
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface NodeFacts {
  readonly name: string;
  readonly volumesRoot: string;
  readonly freeBytes: number;
  /** Programs that a restore needs and the node has not. */
  readonly missingPrograms: readonly string[];
  /** References of images that are not on the node yet. */
  readonly missingImages: readonly string[];
  /** A repository of backups lies on its disk. */
  readonly hasRepository: boolean;
  readonly volumes: readonly VolumeFacts[];
  readonly restored: readonly RestoredFolder[];
  /** What restores in place have kept of the data before them. */
  readonly keptAside: readonly string[];
  /** A way back (--undo) has begun, and broke off. */
  readonly undoing: boolean;
  /** Whose turn it is to change what restores keep there; undefined when it is nobody's. */
  readonly owner: RunOwner | undefined;
  /** Containers of restores, but for the owner's. */
  readonly restoreContainers: readonly string[];
}

export interface SilentNode {
  readonly name: string;
  /** Why it could not be asked. */
  readonly silent: string;
}

/** Jobs of the app that write to Convex and trade. A restore in place stops them, and only `--start` starts them again; in the order of their start. */
export const APP_JOBS: readonly string[] = [JOBS.api, JOBS.worker];

/** A job of the data plane, or one of the app that writes to it, as Nomad has it. */
export interface JobFacts {
  readonly id: string;
  readonly state: "running" | "stopped" | "absent";
  /** The node that the registered version is pinned to. */
  readonly node: string | undefined;
}

/** All that the planner knows. */
export interface RestoreFacts {
  readonly environment: string;
  /** As its commands are typed, for sentences: "npm run gvfx --". */
  readonly gvfx: string;
  /** Holds the data, as the environment file says. */
  readonly dataNode: string;
  readonly nodes: readonly (NodeFacts | SilentNode)[];
  /** Of the restore point: everything in it, and the objects alone. */
  readonly bytes: number;
  readonly objectBytes: number;
  /** Undefined: Nomad was not asked, since nothing but a restore in place needs it. */
  readonly jobs: readonly JobFacts[] | { readonly unknown: string } | undefined;
}

export interface RestoreRequest {
  readonly mode: RestoreMode;
  readonly point: RestorePoint;
  readonly target: string;
  readonly from: RepositorySource;
  /** The dead run whose work on the target this one takes over. */
  readonly takeOver?: string;
}

/** What one step does. The order is the plan's. */
export type RestoreStep =
  | { readonly kind: "pull"; readonly node: string; readonly images: readonly string[] }
  | { readonly kind: "fetch"; readonly from: RepositorySource; readonly node: string; readonly way: "same-node" | "stream" | "s3" }
  | { readonly kind: "check-files" }
  | { readonly kind: "prove-database" }
  | { readonly kind: "load-objects" }
  | { readonly kind: "prove-references" }
  | { readonly kind: "mark-proven" }
  | { readonly kind: "stop-backups" }
  | { readonly kind: "stop-jobs"; readonly jobs: readonly string[] }
  | { readonly kind: "prove-idle" }
  | { readonly kind: "swap" }
  | { readonly kind: "start-jobs"; readonly jobs: readonly string[] }
  | { readonly kind: "remove" };

export interface RestorePlan {
  readonly request: RestoreRequest;
  /** Whose confirmation its commands ask for. */
  readonly environment: string;
  /** A swap of this folder broke off: until it is ended, or undone, nothing may be started. */
  readonly begun: boolean;
  /** Where it is restored to, on the target. */
  readonly folder: string;
  readonly steps: readonly RestoreStep[];
  /** What the operator should know before, and do after. */
  readonly notes: readonly string[];
}

/** What is wrong, why it matters, how to mend it. */
export interface RestoreProblem {
  readonly what: string;
  readonly fix: string;
}

export function isSilent(node: NodeFacts | SilentNode): node is SilentNode {
  return "silent" in node;
}

/** How restic shortens an id. */
export function shortId({ id }: Pick<RestorePoint, "id">): string {
  return id.slice(0, 8);
}

/** The command that puts what a request restores in place, whole: it may be pasted. @param gvfx as its commands are typed */
export function inPlaceCommand(gvfx: string, environment: string, { point, target, from }: Pick<RestoreRequest, "point" | "target" | "from">): string {
  return `${gvfx} data restore --in-place --snapshot ${shortId(point)} --from ${from.kind === "s3" ? "s3" : from.node} --to ${target} --confirm ${environment}`;
}

/** The command that removes what restores left on a node. */
export function discardCommand(gvfx: string, environment: string, node: string, what: "all" | "beside" = "all"): string {
  return `${gvfx} data restore --discard-old ${what === "beside" ? "--beside " : ""}--to ${node} --confirm ${environment}`;
}

/** Folders of restores on a node begin so; the rest is the restore point's short id. */
export const RESTORE_PREFIX = "gvfx-restore-";

export function restoreFolder(volumesRoot: string, point: Pick<RestorePoint, "id">): string {
  return `${volumesRoot}/${RESTORE_PREFIX}${shortId(point)}`;
}
