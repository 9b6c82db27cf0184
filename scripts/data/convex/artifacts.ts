/** Model artefacts: each row that names one, checked by its checksum wherever its bytes can be had. */
import { createHash } from "node:crypto";
import type { Fields } from "./values";

/** Tables of the app whose rows name an artefact: model_artifacts keeps it, agent_versions uses it. */
export const ARTIFACT_TABLES = ["model_artifacts", "agent_versions"] as const;

/** A stored file as it was fetched and hashed. */
export interface FetchedFile {
  /** Base64. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export interface ArtifactFiles {
  /** By `_id` in _storage. */
  byId(id: string): FetchedFile | undefined;
  /** By the part of its address that names it. */
  byInternalId(internalId: string): FetchedFile | undefined;
}

/** "whole": its bytes have the row's checksum. "none": the row names no artefact. */
export type ArtifactVerdict =
  | { readonly verdict: "whole" | "none" }
  | { readonly verdict: "damaged" | "uncheckable"; readonly why: string };

/**
 * Checks one row. Where the bytes are depends on the app's age: in the row
 * (artifact_base64), in Convex's storage (convex://storage/<id>, or the file's
 * address), or outside of Convex, where nobody can look from here.
 */
export function checkArtifact(row: Fields, files: ArtifactFiles): ArtifactVerdict {
  const uri = text(row.artifact_uri);
  const inline = text(row.artifact_base64);
  if (uri === undefined && inline === undefined) return { verdict: "none" };
  const checksum = text(row.artifact_checksum)?.toLowerCase();
  const size = row.artifact_size_bytes === undefined || row.artifact_size_bytes === null ? undefined : Number(row.artifact_size_bytes);

  if (inline !== undefined) {
    const bytes = Buffer.from(inline, "base64");
    return judge({ sha256: createHash("sha256").update(bytes).digest("base64"), size: bytes.length }, checksum, size, "its own bytes (artifact_base64)");
  }
  const named = /^convex:\/\/storage\/(.+)$/.exec(uri!)?.[1];
  const addressed = /\/api\/storage\/([0-9a-fA-F-]{36})(?:$|[?#])/.exec(uri!)?.[1];
  if (named !== undefined || addressed !== undefined) {
    const file = named !== undefined ? files.byId(named) : files.byInternalId(addressed!);
    if (!file) return named !== undefined ? { verdict: "damaged", why: `${uri} is not among the stored files` } : { verdict: "uncheckable", why: `${uri} is an address of another storage than this one's` };
    return judge(file, checksum, size, `the stored file ${named ?? addressed}`);
  }
  if (uri!.startsWith("timescale://")) return { verdict: "uncheckable", why: `${uri} is kept in Postgres, outside of Convex (TIMESCALE_RL_OPS_ENABLED)` };
  if (uri!.startsWith("file://")) return { verdict: "uncheckable", why: `${uri} is on the disk of the machine that wrote it: copy it by hand` };
  return { verdict: "uncheckable", why: `${uri} is outside of Convex` };
}

function judge(file: FetchedFile, checksum: string | undefined, size: number | undefined, where: string): ArtifactVerdict {
  const sha256 = Buffer.from(file.sha256, "base64").toString("hex");
  if (checksum === undefined) return { verdict: "uncheckable", why: "the row has no artifact_checksum" };
  if (sha256 !== checksum) return { verdict: "damaged", why: `${where} has SHA-256 ${sha256}, the row's artifact_checksum is ${checksum}` };
  if (size !== undefined && size !== file.size) return { verdict: "damaged", why: `${where} has ${file.size} bytes, the row's artifact_size_bytes is ${size}` };
  return { verdict: "whole" };
}

function text(value: Fields[string]): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
