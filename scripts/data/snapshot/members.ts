/** What each member of an archive is to a snapshot, by its path: the layout of `convex export`. */
import type { Archive, Member } from "./archive";
import type { Problem } from "./types";

export const STORAGE = "_storage";
export const TABLES = "_tables/documents.jsonl";
export const STORAGE_DOCUMENTS = `${STORAGE}/documents.jsonl`;

export interface SnapshotMembers {
  readonly tables: ReadonlyMap<string, Member>;
  readonly schemas: ReadonlyMap<string, Member>;
  /** _tables/documents.jsonl: which tables there are, and their numbers. */
  readonly list: Member | undefined;
  readonly storage: Member | undefined;
  /** By the id in the path; the extension is a guess of the export, for people. */
  readonly files: ReadonlyMap<string, Member>;
  /** README.md, which is for people: its bytes are checked, its text is not. */
  readonly notes: readonly Member[];
  readonly problems: readonly Problem[];
}

/** What Convex takes as a user's table name. */
const TABLE_FILE = /^([A-Za-z][A-Za-z0-9_]{0,63})\/(documents|generated_schema)\.jsonl$/;
const STORED_FILE = /^_storage\/([^/.]+)(?:\.[^/]+)?$/;

/** Says also what is missing, surplus or doubled. */
export function snapshotMembers({ members }: Archive): SnapshotMembers {
  const tables = new Map<string, Member>();
  const schemas = new Map<string, Member>();
  const files = new Map<string, Member>();
  const notes: Member[] = [];
  const problems: Problem[] = [];
  let list: Member | undefined;
  let storage: Member | undefined;
  for (const member of members) {
    const { name } = member;
    const table = TABLE_FILE.exec(name);
    const [, file] = STORED_FILE.exec(name) ?? [];
    if (name.endsWith("/") && member.bytes === 0) continue; // a folder, as zip tools add them
    if (name === "README.md") notes.push(member);
    else if (name === TABLES) list = member;
    else if (name === STORAGE_DOCUMENTS) storage = member;
    else if (table) (table[2] === "documents" ? tables : schemas).set(table[1], member);
    else if (file !== undefined) {
      if (files.has(file)) problems.push({ place: name, what: `the stored file ${file} is there a second time, as ${files.get(file)!.name}`, fix: "Export again: an import would take either" });
      else files.set(file, member);
    } else problems.push({ place: name, what: name.includes("_components/") ? "it belongs to a Convex component; the app has none, and its data are not checked here" : "no snapshot has such a member, and an import would leave it out or fail on it", fix: "If somebody packed the file anew, use the export's own file; otherwise export again" });
  }
  for (const name of schemas.keys()) if (!tables.has(name)) problems.push({ place: `${name}/documents.jsonl`, what: "it is missing, and the table's generated_schema.jsonl is there", fix: "Export again: the table's documents are lost from this file" });
  return { tables, schemas, list, storage, files, notes, problems };
}
