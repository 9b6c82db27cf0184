/** The list of tables against the folders, and each table's generated_schema.jsonl. */
import type { Member } from "./archive";
import { contents } from "./contents";
import { eachLine } from "./lines";
import { TABLES, type SnapshotMembers } from "./members";
import { damageNamed, type Reading } from "./validate-documents";

export async function checkTableList(reading: Reading, { list, tables }: SnapshotMembers): Promise<void> {
  const { problems } = reading;
  if (list === undefined) {
    problems.add(TABLES, { place: TABLES, what: "it is missing: every snapshot lists its tables and their numbers there", fix: "Use a zip file that convex export wrote. Without the list, ids do not survive an import" });
    return;
  }
  const names = new Map<string, number>();
  const numbers = new Map<number, string>();
  const check = (window: Buffer, start: number, end: number, line: number): void => {
    const place = `${TABLES} line ${line}`;
    const fix = "Export again: the list of tables was changed or damaged";
    const row = tableRow(window.toString("utf8", start, end));
    if (typeof row === "string") return problems.add(TABLES, { place, what: row, fix });
    const twice = names.get(row.name);
    if (twice !== undefined) problems.add(TABLES, { place, what: `the table ${row.name} is listed already, in line ${twice}`, fix });
    const holder = numbers.get(row.id);
    if (holder !== undefined && holder !== row.name) problems.add(TABLES, { place, what: `the number ${row.id} of ${row.name} belongs to ${holder} already`, fix });
    names.set(row.name, line);
    numbers.set(row.id, row.name);
    if (!tables.has(row.name) && twice === undefined) problems.add(TABLES, { place, what: `the table ${row.name} is listed, and ${row.name}/documents.jsonl is missing`, fix: "Export again: an import with --replace-all would empty this table" }, "missing");
  };
  const read = await damageNamed(reading, list, () => eachLine(contents(reading.archive, list, reading.signal), check, reading.advance));
  // What a broken list does not have may be in the part that is lost.
  if (read === undefined) return;
  for (const [name, member] of tables) if (!names.has(name)) problems.add(member.name, { place: member.name, what: `the table ${name} is not listed in ${TABLES}`, fix: "Export again: the folder was added, or the list was changed" });
}

function tableRow(text: string): { name: string; id: number } | string {
  try {
    const row = JSON.parse(text) as { name?: unknown; id?: unknown } | null;
    if (typeof row?.name === "string" && Number.isSafeInteger(row.id) && (row.id as number) > 0) return { name: row.name, id: row.id as number };
  } catch {
    return "it is not JSON";
  }
  return 'it is not {"name": table, "id": number}';
}

/** A member whose text means nothing to an import: that its bytes are what the archive's directory says. */
export async function checkBytes(reading: Reading, member: Member): Promise<void> {
  await damageNamed(reading, member, async () => {
    for await (const chunk of contents(reading.archive, member, reading.signal)) reading.advance(chunk.length);
  });
}

/**
 * A present export writes "uniform" there and no more. An old one wrote the shape that it inferred, and without dots:
 * its documents cannot be told from touched ones, and nothing exports them any more.
 */
export async function checkSchema(reading: Reading, table: string, member: Member | undefined): Promise<void> {
  const place = `${table}/generated_schema.jsonl`;
  const fix = "Use the export's own file; otherwise export again with the convex CLI of the lock file";
  if (member === undefined) return reading.problems.add(place, { place, what: "it is missing: without it an import reads every number as a float", fix });
  let first: string | undefined;
  const read = await damageNamed(reading, member, () =>
    eachLine(contents(reading.archive, member, reading.signal), (window, start, end, line) => void (line === 1 && (first = window.toString("utf8", start, end).trim())), reading.advance),
  );
  if (read === undefined || (first !== undefined && UNIFORM.has(first))) return;
  reading.problems.add(place, { place, what: `it begins with ${JSON.stringify((first ?? "").slice(0, 60))} and not with "uniform": its documents are not in the notation in which numbers keep their kinds`, fix });
}

/** "any" is what an older double of Convex wrote, whose documents are in the same notation. */
const UNIFORM: ReadonlySet<string> = new Set(['"uniform"', '"any"']);
