/** Words for what a job's parts hold: values, images, and templates with the secrets and variables that they read. */
import { listed } from "../preview/words";
import { isRecord } from "../json";

/** Longer ones are cut: a comment is to be read. */
const LONGEST = 80;
/** Of a digest as people know it. */
const DIGEST = 12;

/** A value on one line. */
export function valueText(value: unknown): string {
  if (value === undefined || value === null) return "none";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const line = text.replace(/\s+/g, " ");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line === "" ? '""' : line;
}

const UNPINNED = /^sha256:0{64}$/;

/** "image tv-goldviewfx-backend: sha256:1234… to sha256:abcd…". */
export function imageWords(before: unknown, after: unknown): string {
  const [was, is] = [split(before), split(after)];
  if (!was) return `image ${short(is)}`;
  if (!is) return `image ${short(was)} is gone`;
  if (was.repository === is.repository) return `image ${was.repository}: ${digest(was.version)} to ${digest(is.version)}`;
  return `image ${short(was)} to ${short(is)}`;
}

interface Image {
  readonly repository: string;
  readonly version: string;
}

function split(image: unknown): Image | undefined {
  if (typeof image !== "string") return undefined;
  const [, repository, pinned, tag] = /^(.*?)(?:@(sha256:[0-9a-f]+)|:([^/:@]+))?$/.exec(image)!;
  return { repository, version: pinned ?? tag ?? "" };
}

const short = (image: Image | undefined): string => (image ? `${image.repository} ${digest(image.version)}` : "none");

function digest(version: string): string {
  if (UNPINNED.test(version)) return "no digest (not pinned)";
  return version.startsWith("sha256:") ? `sha256:${version.slice(7, 7 + DIGEST)}…` : version || "no tag";
}

/** What a template reads: paths of Vault and of Nomad's variables, each with its keys. */
function reads(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, kind, path, block] of text.matchAll(/\{\{-? *with (secret|nomadVar) "([^"]+)" *-?\}\}(.*?)(?=\{\{-? *with (?:secret|nomadVar) |$)/gs)) {
    const name = kind === "secret" ? `secret ${path.replace("/data/", "/")}` : `variable ${path}`;
    const keys = found.get(name) ?? new Set<string>();
    for (const [, dotted, quoted] of block.matchAll(/\.Data\.data\.([A-Za-z_]\w*)|index \.Data\.data "([^"]+)"/g)) keys.add(dotted ?? quoted);
    for (const [, variable] of block.matchAll(/\{\{ *\.([A-Za-z_]\w*)\.Value/g)) keys.add(variable);
    found.set(name, keys);
  }
  return found;
}

/**
 * What changes in a template: first what it reads, then its text.
 * @param before the template, or its text, or nothing when it is new
 */
export function templateWords(file: string, before: unknown, after: unknown): string[] {
  const [was, is] = [textOf(before), textOf(after)];
  if (was === undefined && is === undefined) return [`file ${file}: ${valueText(before)} to ${valueText(after)}`];
  const references = referenceWords(reads(was ?? ""), reads(is ?? ""));
  if (was === undefined) return [`file ${file} is new`, ...references];
  if (is === undefined) return [`file ${file} is gone`, ...references];
  if (references.length > 0) return references;
  return [`file ${file}: ${lineWords(was, is)}`];
}

function textOf(template: unknown): string | undefined {
  if (typeof template === "string") return template;
  return isRecord(template) && typeof template.EmbeddedTmpl === "string" ? template.EmbeddedTmpl : undefined;
}

function referenceWords(before: ReadonlyMap<string, ReadonlySet<string>>, after: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (!was) return [`reads ${name} (${listed([...is!].sort())})`];
    if (!is) return [`no longer reads ${name} (${listed([...was].sort())})`];
    const added = [...is].filter((key) => !was.has(key)).sort();
    const removed = [...was].filter((key) => !is.has(key)).sort();
    return [...(added.length > 0 ? [`reads ${listed(added)} of ${name}`] : []), ...(removed.length > 0 ? [`no longer reads ${listed(removed)} of ${name}`] : [])];
  });
}

/** "2 lines added, 1 removed", by what lines there are, wherever they stand. */
function lineWords(before: string, after: string): string {
  const [was, is] = [before, after].map((text) => text.split("\n"));
  const extra = (of: readonly string[], over: readonly string[]): number => {
    const left = new Map<string, number>();
    for (const line of over) left.set(line, (left.get(line) ?? 0) + 1);
    return of.filter((line) => {
      const count = left.get(line) ?? 0;
      left.set(line, count - 1);
      return count <= 0;
    }).length;
  };
  const [added, removed] = [extra(is, was), extra(was, is)];
  const lines = (n: number, what: string): string => `${n} line${n === 1 ? "" : "s"} ${what}`;
  if (added + removed === 0) return "its lines are in another order";
  return [...(added > 0 ? [lines(added, "added")] : []), ...(removed > 0 ? [lines(removed, "removed")] : [])].join(", ");
}
