/**
 * What a proven folder says of itself: which backup it holds, and that backup's manifest. With it the folder is put in
 * place when the repository that it came from is gone.
 */
import { z } from "zod";
import { parseBackupManifest } from "../../../contracts/backup";
import { quoted } from "./shell";
import { isSilent, shortId, type NodeFacts, type RestoreRecord, type SilentNode } from "./types";

/** Below a proven folder: what the backup holds beside the volumes, and the record. */
export const RECORD_FOLDER = "backup";
const POINT_FILE = "point.json";

/** The digits by which commands name a backup. Fewer of them may be the beginning of another one too, which the repository alone knows. */
const SHORT_ID_DIGITS = 8;

const pointSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.iso.datetime(),
  from: z.discriminatedUnion("kind", [z.object({ kind: z.literal("local"), node: z.string().min(1) }), z.object({ kind: z.literal("s3") })]),
});

/** Shell that writes down which backup a folder holds. */
export function recordPoint(folder: string, { point, from }: Pick<RestoreRecord, "point" | "from">): string {
  const content: z.input<typeof pointSchema> = { id: point.id, time: point.time.toISOString(), from };
  return `printf '%s\\n' ${quoted(JSON.stringify(content))} >${quoted(`${folder}/${RECORD_FOLDER}/${POINT_FILE}`)}`;
}

/** Prints "record FOLDER POINT MANIFEST" for $folder, both as base64; nothing where one of them is not there. */
export const PRINT_RECORD = `if [ -f "$folder/${RECORD_FOLDER}/${POINT_FILE}" ] && [ -f "$folder/${RECORD_FOLDER}/manifest.json" ]; then echo "record $folder $(base64 -w 0 <"$folder/${RECORD_FOLDER}/${POINT_FILE}") $(base64 -w 0 <"$folder/${RECORD_FOLDER}/manifest.json")"; fi`;

/**
 * @param short digits of the backup in the folder's name
 * @param printed what follows the folder in a line "record"
 * @returns undefined for a record that cannot be read, or is of another backup than the name says: the repository is asked then
 */
export function parseRecord(short: string, printed: string | undefined): RestoreRecord | undefined {
  const [point, manifest] = (printed ?? "").split(" ").map((part) => Buffer.from(part, "base64").toString("utf8"));
  try {
    const { id, time, from } = pointSchema.parse(JSON.parse(point));
    return shortId({ id }) === short ? { point: { id, time: new Date(time) }, from, manifest: parseBackupManifest(manifest) } : undefined;
  } catch {
    return undefined;
  }
}

/** Records of the proven folders on a node. */
export function recordsOn(nodes: readonly (NodeFacts | SilentNode)[], name: string): readonly RestoreRecord[] {
  const node = nodes.find((candidate) => candidate.name === name);
  return node && !isSilent(node) ? node.restored.flatMap(({ record }) => (record ? [record] : [])) : [];
}

/**
 * The record of the backup that is meant.
 * @param snapshot its id, or at least the eight digits that commands print
 * @returns undefined where the repository must be asked: "the newest" is known there alone
 */
export function chooseRecord(records: readonly RestoreRecord[], snapshot: string | undefined): RestoreRecord | undefined {
  return snapshot === undefined || snapshot.length < SHORT_ID_DIGITS ? undefined : records.find(({ point }) => point.id.startsWith(snapshot));
}
