/** A comparison, for people. */
import { columns } from "../convex/text";
import type { TableDiff } from "./types";

const number = (n: number): string => n.toLocaleString("en-US");

export function textDiff(diffs: readonly TableDiff[], first: string, second: string): string {
  const different = diffs.filter(({ added, removed, changed }) => added + removed + changed > 0);
  if (different.length === 0) return `${first} and ${second} have the same: ${number(diffs.length)} tables, every document and file byte for byte.`;
  const rows = [["table", "added", "removed", "changed"], ...different.map(({ table, added, removed, changed }) => [table, number(added), number(removed), number(changed)])];
  const samples = different.flatMap(({ table, samples: named }) => named.map(({ id, kind }) => `  ${kind.padEnd(7)}  ${table} ${id}`));
  return [`From ${first} to ${second}:`, columns(rows), "For example:", ...samples, `${number(diffs.length - different.length)} other tables are the same.`].join("\n");
}
