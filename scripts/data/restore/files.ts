/** Proof of the files: every one is there with its size and hash, and none is too many, by the manifests that the backup carries. */
import { createHash, type Hash } from "node:crypto";
import { z } from "zod";
import { inventoryLineSchema, RUN_FOLDER, type BackupManifest, type InventoryLine } from "../../../contracts/backup";
import { quoted, script } from "./shell";

/** A file as it lies on the node's disk. */
export interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly hash: string;
}

export interface FoundFiles {
  readonly files: readonly FoundFile[];
  /** What is neither file nor folder. */
  readonly others: readonly string[];
}

const ALGORITHMS = ["sha224", "sha256", "sha384", "sha512"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Where the contents of a run lie below a restored folder. */
export function runFolder(folder: string): string {
  return `${folder}/raw${RUN_FOLDER}`;
}

/** Prints a file as it is. */
export function readScript(path: string): string {
  return script(`[ -f ${quoted(path)} ] || fail ${quoted(`there is no ${path}: the backup is not whole; choose another restore point`)}\ncat ${quoted(path)}`);
}

/** Prints "file<TAB>size<TAB>hash<TAB>path" of every file below a folder. A folder that is not there has none. */
export function hashScript(folder: string, algorithm: Algorithm = "sha256"): string {
  return script(
    `[ -d ${quoted(folder)} ] || return 0
work=$(mktemp -d)
cd ${quoted(folder)}
find . ! -type d ! -type f -printf 'other\\t%P\\n'
find . -type f -printf '%s\\t%P\\n' >"$work/sizes"
find . -type f -print0 | xargs -0 -r -P 2 -n 32 ${algorithm}sum >"$work/hashes"
! grep -q '^\\\\' "$work/hashes" || fail "a file has a line end or a backslash in its name, and cannot be checked: $(grep -m 1 '^\\\\' "$work/hashes")"
awk 'NR == FNR { hash = $1; path = $0; sub(/^[0-9a-f]+ [ *]\\.\\//, "", path); hashes[path] = hash; next }
  { tab = index($0, "\\t"); path = substr($0, tab + 1); print "file\\t" substr($0, 1, tab - 1) "\\t" hashes[path] "\\t" path }' "$work/hashes" "$work/sizes"`,
    {},
    '[ -z "${work:-}" ] || rm -rf "$work"',
  );
}

export function parseHashes(lines: readonly string[]): FoundFiles {
  const files: FoundFile[] = [];
  const others: string[] = [];
  for (const line of lines) {
    const [kind, size, hash, ...path] = line.split("\t");
    if (kind === "file") files.push({ path: path.join("\t"), size: Number(size), hash });
    else if (kind === "other") others.push([size, hash, ...path].filter((part) => part !== undefined).join("\t"));
  }
  return { files, others };
}

const postgresManifestSchema = z.object({
  Files: z.array(z.object({ Path: z.string().optional(), "Encoded-Path": z.string().optional(), Size: z.number(), "Checksum-Algorithm": z.string().optional(), Checksum: z.string().optional() })),
  "System-Identifier": z.union([z.number(), z.string()]).optional(),
});

/** The algorithm of a backup_manifest. @throws Error when it is none that this proof can compute */
export function manifestAlgorithm(text: string): Algorithm {
  const named = [...new Set(postgresManifest(text).Files.map((file) => file["Checksum-Algorithm"]?.toLowerCase() ?? "none"))];
  const found = ALGORITHMS.find((algorithm) => named.length === 1 && named[0] === algorithm);
  if (!found) throw new Error(`the files of Postgres carry checksums of ${named.join(", ") || "no kind"}, which prove too little; backups are made with --manifest-checksums=SHA256: choose a restore point of the platform's own job`);
  return found;
}

function postgresManifest(text: string): z.infer<typeof postgresManifestSchema> {
  try {
    return postgresManifestSchema.parse(JSON.parse(text));
  } catch {
    throw new Error("backup_manifest of Postgres is not what pg_basebackup writes: the backup is damaged; choose another restore point");
  }
}

/** What pg_verifybackup leaves out too: WAL is proven by recovery, the others are written after the manifest. */
const NOT_IN_MANIFEST = [/^backup_manifest$/, /^pg_wal\//, /^postgresql\.auto\.conf$/, /^(recovery|standby)\.signal$/];

/**
 * Everything in which Postgres' files differ from backup_manifest, and that from the backup's own manifest.
 * @param text of backup_manifest, to the byte
 */
export function postgresProblems(text: string, found: FoundFiles, manifest: Pick<BackupManifest, "postgres">): string[] {
  const problems: string[] = [];
  const sum = createHash("sha256").update(text).digest("hex");
  if (sum !== manifest.postgres.manifestSha256) problems.push(`backup_manifest has the SHA-256 ${sum}, and the backup was made with ${manifest.postgres.manifestSha256}`);
  const lastLine = text.lastIndexOf('"Manifest-Checksum"');
  const own = /^"Manifest-Checksum": "([0-9a-f]{64})"/.exec(text.slice(lastLine))?.[1];
  if (own !== createHash("sha256").update(text.slice(0, Math.max(lastLine, 0))).digest("hex")) problems.push("backup_manifest does not have the checksum that its last line gives");
  const wanted = new Map(postgresManifest(text).Files.map((file) => [file.Path ?? Buffer.from(file["Encoded-Path"] ?? "", "hex").toString("latin1"), file]));
  const left = new Map(wanted);
  const bytes = found.files.reduce((sum, { size }) => sum + size, 0);
  if (found.files.length !== manifest.postgres.files || bytes !== manifest.postgres.bytes) problems.push(`postgres has ${found.files.length} files with ${bytes} bytes, and the manifest says ${manifest.postgres.files} with ${manifest.postgres.bytes}`);
  for (const { path, size, hash } of found.files) {
    const file = wanted.get(path);
    left.delete(path);
    if (NOT_IN_MANIFEST.some((pattern) => pattern.test(path))) continue;
    if (!file) problems.push(`postgres/${path} is in no manifest`);
    else if (file.Size !== size) problems.push(`postgres/${path} has ${size} bytes, not ${file.Size}`);
    else if (file.Checksum !== hash) problems.push(`postgres/${path} has the hash ${hash}, not ${file.Checksum ?? "the one that is missing"}`);
  }
  for (const path of left.keys()) if (!NOT_IN_MANIFEST.some((pattern) => pattern.test(path))) problems.push(`postgres/${path} is missing`);
  for (const path of found.others) problems.push(`postgres/${path} is neither a file nor a folder`);
  return problems;
}

/** What the backup copied of the object store. */
export interface Inventory {
  readonly lines: readonly InventoryLine[];
  /** SHA-256 over a bucket's lines, by bucket. */
  readonly digests: ReadonlyMap<string, string>;
}

/** @throws Error that names the line which is none of an inventory */
export function parseInventory(lines: readonly string[]): Inventory {
  const hashes = new Map<string, Hash>();
  const parsed = lines.filter((line) => line !== "").map((line, index) => {
    try {
      const object = inventoryLineSchema.parse(JSON.parse(line));
      const hash = hashes.get(object.bucket) ?? createHash("sha256");
      hashes.set(object.bucket, hash.update(`${line}\n`));
      return object;
    } catch {
      throw new Error(`objects.jsonl line ${index + 1} is no line of an inventory: the backup is damaged; choose another restore point`);
    }
  });
  return { lines: parsed, digests: new Map([...hashes].map(([bucket, hash]) => [bucket, hash.digest("hex")])) };
}

/** In what the inventory is not the one that the manifest was written for. */
export function inventoryProblems({ lines, digests }: Inventory, buckets: BackupManifest["objects"]): string[] {
  return [...new Set([...Object.keys(buckets), ...digests.keys()])].flatMap((bucket) => {
    const told = buckets[bucket] ?? { objects: 0, bytes: 0, digest: EMPTY };
    const own = lines.filter((line) => line.bucket === bucket);
    const bytes = own.reduce((sum, { size }) => sum + size, 0);
    if (own.length !== told.objects || bytes !== told.bytes) return [`objects.jsonl has ${own.length} objects with ${bytes} bytes in ${bucket}, and the manifest says ${told.objects} with ${told.bytes}`];
    return (digests.get(bucket) ?? EMPTY) === told.digest ? [] : [`objects.jsonl's lines of ${bucket} do not have the hash that the manifest gives`];
  });
}

/** Of no line. */
const EMPTY = createHash("sha256").digest("hex");

/** Everything in which the objects differ from the inventory. @param where for sentences, for example "objects" */
export function objectProblems(inventory: readonly InventoryLine[], found: FoundFiles, where: string): string[] {
  const problems: string[] = [];
  const left = new Map(inventory.map((line) => [`${line.bucket}/${line.key}`, line]));
  if (left.size !== inventory.length) problems.push(`objects.jsonl names ${inventory.length - left.size} objects twice`);
  for (const { path, size, hash } of found.files) {
    const wanted = left.get(path);
    left.delete(path);
    if (!wanted) problems.push(`${where}/${path} is in no inventory`);
    else if (wanted.size !== size) problems.push(`${where}/${path} has ${size} bytes, not ${wanted.size}`);
    else if (wanted.sha256 !== hash) problems.push(`${where}/${path} has the SHA-256 ${hash}, not ${wanted.sha256}`);
  }
  for (const path of left.keys()) problems.push(`${where}/${path} is missing`);
  for (const path of found.others) problems.push(`${where}/${path} is neither a file nor a folder`);
  return problems;
}
