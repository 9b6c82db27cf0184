/** What the SQL of a fingerprint answered, and what of it does not fit the stored objects. */
import { z } from "zod";
import type { BackupManifest, InventoryLine } from "../../../contracts/backup";

export interface TableFingerprint {
  /** "database.schema.table", or the name of a table of Convex. */
  readonly name: string;
  readonly rows: number;
  /** 32 hex digits, over all rows whatever their order. */
  readonly hash: string;
}

/** A row that names an object. */
export interface ObjectReference {
  readonly table: string;
  readonly id: string;
  readonly bucket: string;
  /** The end of the object's key: the instance's prefix comes before it. */
  readonly key: string;
  /** Undefined where the row says nothing of the contents. */
  readonly sha256: string | undefined;
  readonly size: number | undefined;
}

export interface Fingerprint {
  /** Of the server, as it says it. */
  readonly version: string;
  readonly systemIdentifier: string;
  readonly databases: readonly string[];
  readonly tables: readonly TableFingerprint[];
  /** Undefined when the database of Convex is not there. */
  readonly layout: "double" | "backend" | "unknown" | undefined;
  readonly convex: readonly TableFingerprint[];
  readonly references: readonly ObjectReference[];
}

const rows = z.number().int().nonnegative();
const text = z.string().nullish();
const lineSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("server"), version: z.string(), systemIdentifier: z.string(), databases: z.array(z.string()) }),
  z.object({ kind: z.literal("table"), database: z.string(), table: z.string(), rows, hash: z.string() }),
  z.object({ kind: z.literal("layout"), layout: z.enum(["double", "backend", "unknown"]) }),
  z.object({ kind: z.literal("convex"), table: z.string(), rows, hash: z.string() }),
  z.object({ kind: z.literal("reference"), table: z.string(), id: z.string(), bucket: z.string(), key: text, sha256: text, size: text }),
]);
type Line = z.infer<typeof lineSchema>;

/** @throws Error when the lines are not what the SQL prints */
export function parseFingerprint(lines: readonly string[]): Fingerprint {
  const parsed = lines.filter((line) => line !== "").map((line): Line => {
    try {
      return lineSchema.parse(JSON.parse(line));
    } catch {
      throw new Error(`Postgres answered something else than was asked: ${line.slice(0, 200)}`);
    }
  });
  const of = <K extends Line["kind"]>(kind: K) => parsed.filter((line): line is Extract<Line, { kind: K }> => line.kind === kind);
  const [server] = of("server");
  if (!server) throw new Error("Postgres did not say which version it is: it ended before it answered");
  return {
    version: server.version,
    systemIdentifier: server.systemIdentifier,
    databases: server.databases,
    tables: of("table").map(({ database, table, rows, hash }) => ({ name: `${database}.${table}`, rows, hash })),
    layout: of("layout")[0]?.layout,
    convex: of("convex").map(({ table, rows, hash }) => ({ name: table, rows, hash })),
    references: of("reference").map(({ table, id, bucket, key, sha256, size }) => ({ table, id, bucket, key: key ?? "", sha256: sha256 ? hexOf(sha256) : undefined, size: size ? sizeOf(size) : undefined })),
  };
}

/** Convex writes bytes as base64, and the double's rows hold hex or base64 as they were imported. */
function hexOf(hash: string): string {
  return /^[0-9a-f]{64}$/.test(hash) ? hash : Buffer.from(hash, "base64").toString("hex");
}

/** An int64 is digits (with a dot when it was imported as a float), or base64 of eight bytes, the lowest first. */
function sizeOf(size: string): number {
  return /^\d+(\.0+)?$/.test(size) ? Number(size) : Number(Buffer.from(size, "base64").readBigInt64LE());
}

/** Everything that a row names and the object store does not have as the row says. */
export function danglingReferences(references: readonly ObjectReference[], inventory: readonly InventoryLine[]): string[] {
  const byLastPart = new Map<string, InventoryLine[]>();
  const lastPart = (key: string): string => key.slice(key.lastIndexOf("/") + 1);
  for (const line of inventory) byLastPart.set(`${line.bucket}/${lastPart(line.key)}`, [...(byLastPart.get(`${line.bucket}/${lastPart(line.key)}`) ?? []), line]);
  return references.flatMap(({ table, id, bucket, key, sha256, size }) => {
    const row = `row ${id} of ${table}`;
    if (key === "") return [`${row} names no object`];
    const candidates = (byLastPart.get(`${bucket}/${lastPart(key)}`) ?? []).filter((line) => line.key === key || line.key.endsWith(`/${key}`));
    if (candidates.length === 0) return [`${row} names ${bucket}/${key}, which is not among the objects`];
    const fits = candidates.find((line) => (size === undefined || line.size === size) && (sha256 === undefined || line.sha256 === sha256));
    return fits ? [] : [`${row} says ${size ?? "?"} bytes and SHA-256 ${sha256 ?? "?"} of ${bucket}/${key}, which has ${candidates[0].size} and ${candidates[0].sha256}`];
  });
}

/** In what the server that started on the restored files is not the one that was backed up. */
export function serverProblems(found: Fingerprint, { postgres }: Pick<BackupManifest, "postgres">, convexDatabase: string): string[] {
  const problems: string[] = [];
  if (found.systemIdentifier !== postgres.systemIdentifier) problems.push(`the restored server has the system identifier ${found.systemIdentifier}, and the backup is of ${postgres.systemIdentifier}`);
  if (major(found.version) !== major(postgres.version)) problems.push(`the restored server is Postgres ${found.version}, and the backup is of ${postgres.version}`);
  if (!found.databases.includes(convexDatabase)) problems.push(`there is no database ${convexDatabase}, which is Convex's (there are ${found.databases.join(", ")})`);
  else if (found.layout === "unknown" || found.layout === undefined) problems.push(`the database ${convexDatabase} has no tables of Convex that are known, so that its files cannot be proven`);
  else if (found.convex.length === 0) problems.push(`Convex's database ${convexDatabase} has no table of Convex`);
  return problems;
}

function major(version: string): string {
  return version.split(".")[0];
}
