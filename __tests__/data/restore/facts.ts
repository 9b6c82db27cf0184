/** Facts and plans for tests of the restore. */
import type { BackupManifest } from "../../../contracts/backup";
import { JOBS } from "../../../contracts/services";
import { RESTORED_VOLUMES, type NodeFacts, type RestoreFacts, type RestorePoint, type RestoreRequest, type VolumeFacts } from "../../../scripts/data/restore/types";

export const POINT: RestorePoint = { id: "0123456789abcdef".repeat(4), time: new Date("2026-11-26T03:00:10Z") };
export const FOLDER = "/srv/gvfx/gvfx-restore-01234567";

const volume = (name: string, state: VolumeFacts["state"]): VolumeFacts => ({ name, path: `/srv/gvfx/${name}`, state, mountPoint: false, usedBy: [] });

export const node = (name: string, changes: Partial<NodeFacts> = {}): NodeFacts => ({
  name,
  volumesRoot: "/srv/gvfx",
  freeBytes: 2 ** 40,
  missingPrograms: [],
  missingImages: [],
  hasRepository: name === "server-2",
  volumes: RESTORED_VOLUMES.map((each) => volume(each, name === "server-1" ? "filled" : "empty")),
  restored: [],
  keptAside: [],
  undoing: false,
  owner: undefined,
  restoreContainers: [],
  ...changes,
});

export const facts = (changes: Partial<RestoreFacts> = {}): RestoreFacts => ({
  environment: "production",
  gvfx: "npm run gvfx --",
  dataNode: "server-1",
  nodes: [node("server-1"), node("server-2")],
  bytes: 2 ** 30,
  objectBytes: 2 ** 28,
  jobs: [...[JOBS.postgres, JOBS.objectstore, JOBS.convex].map((id) => ({ id, state: "running" as const, node: "server-1" })), ...[JOBS.api, JOBS.worker].map((id) => ({ id, state: "running" as const, node: undefined }))],
  ...changes,
});

export const request = (changes: Partial<RestoreRequest> = {}): RestoreRequest => ({ mode: "beside", point: POINT, target: "server-1", from: { kind: "local", node: "server-2" }, ...changes });

export const manifest = (changes: Partial<BackupManifest> = {}): BackupManifest => ({
  version: 1,
  environment: "production",
  namespace: "gvfx",
  run: "run",
  startedAt: "2026-11-26T03:00:00Z",
  finishedAt: "2026-11-26T03:00:30Z",
  postgres: { version: "17.6", systemIdentifier: "7712350902180618115", timeline: 1, checkpointLsn: "0/2000060", endLsn: "0/2000138", startedAt: "2026-11-26T03:00:00Z", finishedAt: "2026-11-26T03:00:05Z", files: 2, bytes: 9, manifestSha256: "0".repeat(64) },
  objects: {},
  cluster: { nomad: { taken: false, reason: "test" }, consul: { taken: false, reason: "test" }, vault: { taken: false, reason: "test" } },
  ...changes,
});
