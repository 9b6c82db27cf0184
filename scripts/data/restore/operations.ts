/** What the executor does to the world, and what each proof found. Tests have a world of their own. */
import type { BackupManifest, InventoryLine } from "../../../contracts/backup";
import type { Fingerprint } from "./fingerprint";
import type { RestorePlan, RestoreStep } from "./types";

/** A proof that ended with a finding: the backup is not what it should be. */
export class NotProven extends Error {
  /** @param problems all that was found, the first of them in the message */
  constructor(readonly problems: readonly string[]) {
    super(`${problems.length} ${problems.length === 1 ? "thing is" : "things are"} not as the backup says; the first: ${problems[0]}`);
    this.name = "NotProven";
  }
}

/** What the files of a restored backup are. */
export interface FilesProof {
  readonly manifest: BackupManifest;
  readonly inventory: readonly InventoryLine[];
  readonly problems: readonly string[];
}

export interface RestoreOperations {
  pull(images: readonly string[]): Promise<void>;
  /** @param onBytes is told how many bytes arrived since it was last told */
  fetch(step: Extract<RestoreStep, { readonly kind: "fetch" }>, onBytes: (count: number) => void): Promise<void>;
  /** Reads and hashes everything that was restored, and compares it with the backup's manifests. */
  checkFiles(): Promise<FilesProof>;
  /** Starts a Postgres on the restored files and reads every row. @throws NotProven when Postgres refuses them */
  proveDatabase(): Promise<Fingerprint>;
  /** Loads the objects into a new object store and reads them back. @returns in what they differ from the inventory */
  loadObjects(proof: FilesProof): Promise<readonly string[]>;
  markProven(): Promise<void>;
  /** Ends runs of the backup: one that spans a restore would store rows of one state with objects of the other. @returns their ids */
  stopBackups(): Promise<readonly string[]>;
  stopJobs(jobs: readonly string[]): Promise<void>;
  /** @returns who has a restored volume's place open */
  volumeUsers(): Promise<readonly string[]>;
  swap(): Promise<void>;
  startJobs(jobs: readonly string[]): Promise<void>;
  remove(): Promise<void>;
  /** Ends what a step of this run that was cut off left running on the nodes; never throws. */
  cleanUp(): Promise<void>;
}

/** Makes the operations of one plan. */
export type OperationsOf = (plan: RestorePlan) => RestoreOperations;
