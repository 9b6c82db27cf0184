/** What changes in a Nomad job, in words: "count 2 to 3", "memory 512 to 1024 MB". Pure; what has no words of its own is said by its path. */
import { Duration } from "../../contracts/units";
import { counted, listed } from "../preview/words";
import { isRecord } from "../json";
import { changedLeaves, type LeafChange } from "./leaves";
import { imageWords, templateWords, valueText } from "./texts";

export interface Sentence {
  readonly text: string;
  /** The data of a stateful job would not be where it was. */
  readonly movesData?: true;
}

export type Json = Readonly<Record<string, unknown>>;

/** Where a leaf is: in the job, its group, or one of its tasks. */
interface Place {
  /** "task api, ", or nothing where there is one task and one group. */
  readonly of: string;
  readonly key: readonly string[];
}

/** @param before undefined for a job that is new */
export function jobSentences(before: Json, after: Json): Sentence[] {
  const severalTasks = tasksOf(before) > 1 || tasksOf(after) > 1;
  const sentences = changedLeaves(before, after).flatMap((leaf) => sentencesOf(leaf, placeOf(leaf.path, severalTasks)));
  return sentences.filter(({ text }, index) => sentences.findIndex((other) => other.text === text) === index);
}

function tasksOf(job: Json): number {
  return listOf(job.TaskGroups).reduce((sum, group) => sum + listOf(group.Tasks).length, 0);
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function placeOf(path: readonly string[], severalTasks: boolean): Place {
  if (path[0] !== "TaskGroups") return { of: "", key: path };
  const [, group, part, task, ...rest] = path;
  if (part === undefined) return { of: "", key: [`group ${group}`] };
  if (part !== "Tasks" || task === undefined) return { of: "", key: path.slice(2) };
  return rest.length === 0 ? { of: "", key: [`task ${task}`] } : { of: severalTasks ? `task ${task}, ` : "", key: rest };
}

type Rule = readonly [pattern: RegExp, words: (leaf: LeafChange, match: RegExpExecArray) => readonly Sentence[]];

const fromTo = (what: string, unit = "") => ({ before, after }: LeafChange): Sentence[] => [{ text: `${what} ${amount(before)} to ${amount(after)}${unit}` }];
const amount = (value: unknown): string => (value === undefined || value === null ? "none" : valueText(value));
const time = (what: string) => ({ before, after }: LeafChange): Sentence[] => [{ text: `${what} ${nanoseconds(before)} to ${nanoseconds(after)}` }];
const nanoseconds = (value: unknown): string => (typeof value === "number" ? Duration.ms(Math.round(value / 1e6)).toString() : amount(value));
const nothing = (): Sentence[] => [];

/** The first that matches says it. Keys joined by "/", from the task or the group on. */
const RULES: readonly Rule[] = [
  [/^Count$/, fromTo("count")],
  [/^Resources\/MemoryMB$/, fromTo("memory", " MB")],
  [/^Resources\/MemoryMaxMB$/, fromTo("memory limit", " MB")],
  [/^Resources\/CPU$/, fromTo("CPU", " MHz")],
  [/^Priority$/, fromTo("priority")],
  [/^Config\/image$/, ({ before, after }) => [{ text: imageWords(before, after) }]],
  [/^Config\/(args|command|entrypoint)$/, ({ before, after }, [, what]) => [{ text: `${what} ${commandText(before)} to ${commandText(after)}` }]],
  [/^Env\/(.+)$/, ({ before, after }, [, name]) => [{ text: memberText(`environment ${name}`, before, after) }]],
  [/^Templates\/(.+?)(?:\/(EmbeddedTmpl))?$/, ({ before, after }, [, file]) => templateWords(file, before, after).map((text) => ({ text }))],
  [/^Meta\/variables$/, () => [{ text: "the Nomad variables that it reads have changed, so that it is rolled out anew" }]],
  // People read it where the job is defined.
  [/^Meta\/rationale$/, nothing],
  [/^(KillTimeout|ShutdownDelay)$/, (leaf, [, key]) => time(key === "KillTimeout" ? "kill timeout" : "shutdown delay")(leaf)],
  [/^KillSignal$/, fromTo("kill signal")],
  [/^Update\/Canary$/, fromTo("canaries")],
  [/^Update\/(AutoRevert|AutoPromote)$/, ({ after }, [, key]) => [{ text: `${key === "AutoRevert" ? "a failed version goes back by itself" : "healthy canaries are promoted by themselves"}: ${after === true ? "yes" : "no longer"}` }]],
  [/^Constraints\/([^/]+)(?:\/(.+))?$/, (leaf, [, attribute, key]) => [constraintWords(attribute, key, leaf)]],
  [/^Volumes\/([^/]+)(?:\/(.+))?$/, ({ before, after }, [, volume, key]) => [{ text: key === undefined ? memberText(`volume ${volume}`, before, after, volumeText) : `volume ${volume}: ${key} ${amount(before)} to ${amount(after)}`, ...(key === "ReadOnly" || before === undefined ? {} : { movesData: true as const }) }]],
  [/^VolumeMounts\/([^/]+)(?:\/(.+))?$/, ({ before, after }, [, volume, key]) => [{ text: key === undefined ? memberText(`mount of volume ${volume}`, before, after, ({ Destination }) => String(Destination)) : `mount of volume ${volume}: ${key} ${amount(before)} to ${amount(after)}`, ...(before === undefined ? {} : { movesData: true as const }) }]],
  [/^Networks\/.*?(ReservedPorts|DynamicPorts)\/([^/]+)(?:\/(.+))?$/, ({ before, after }, [, , label, key]) => [{ text: key === undefined ? memberText(`port ${label}`, before, after, ({ Value, To }) => String(Value ?? To ?? "any")) : `port ${label}: ${key === "Value" ? "number" : key === "To" ? "number in the container" : key} ${amount(before)} to ${amount(after)}` }]],
  [/^Services\/([^/]+)\/Checks\/([^/]+)(?:\/(.+))?$/, (leaf, [, service, check, key]) => [{ text: key === undefined ? memberText(`check "${check}" of ${service}`, leaf.before, leaf.after) : `check "${check}" of ${service}: ${timed(key, leaf)}` }]],
  [/^Services\/([^/]+)$/, ({ before, after }, [, service]) => [{ text: memberText(`service ${service}`, before, after) }]],
  [/^Vault\/Role$/, fromTo("Vault role")],
  [/^Vault$/, ({ before }) => [{ text: before === undefined ? "it gets a Vault token of its own" : "it gets no Vault token any more" }]],
  [/^(RestartPolicy|ReschedulePolicy|Update|Migrate|Disconnect|Periodic)\/(.+)$/, (leaf, [, block, key]) => [{ text: `${POLICY[block]}: ${timed(key, leaf)}` }]],
  [/^(Namespace|Type|ID|Region)$/, (leaf, [, key]) => fromTo(key === "ID" ? "job id" : key.toLowerCase())(leaf)],
];

const POLICY: Readonly<Record<string, string>> = { RestartPolicy: "restarts", ReschedulePolicy: "rescheduling", Update: "updates", Migrate: "migration", Disconnect: "a lost node", Periodic: "when it runs" };
const TIMES = /^(Delay|Interval|MaxDelay|Timeout|MinHealthyTime|HealthyDeadline|ProgressDeadline|LostAfter|StopOnClientAfter)$/;

function timed(key: string, { before, after }: LeafChange): string {
  const text = TIMES.test(key) ? nanoseconds : amount;
  return `${key.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()} ${text(before)} to ${text(after)}`;
}

function sentencesOf(leaf: LeafChange, { of, key }: Place): Sentence[] {
  const path = key.join("/");
  for (const [pattern, words] of RULES) {
    const match = pattern.exec(path);
    if (match) return words(leaf, match).map((sentence) => ({ ...sentence, text: of + sentence.text }));
  }
  return [{ text: `${of}${memberText(key.join("."), leaf.before, leaf.after)}` }];
}

/** Something with a name that is new, gone, or another. */
function memberText(what: string, before: unknown, after: unknown, shown: (value: Record<string, unknown>) => string = () => ""): string {
  const short = (value: unknown): string => (isRecord(value) ? shown(value) : valueText(value));
  const said = (value: unknown): string => (short(value) === "" ? "" : ` (${short(value)})`);
  if (before === undefined || before === null) return `${what} is new${said(after)}`;
  if (after === undefined || after === null) return `${what} is gone${said(before)}`;
  return `${what} ${short(before)} to ${short(after)}`;
}

const volumeText = ({ Type, Source }: Record<string, unknown>): string => [Type, Source].filter(Boolean).join(" ");
const commandText = (value: unknown): string => (Array.isArray(value) ? `\`${value.join(" ")}\`` : value === undefined ? "the image's own" : `\`${String(value)}\``);

/** A job that is pinned to a node and gets another one leaves its volume behind. */
function constraintWords(attribute: string, key: string | undefined, { before, after }: LeafChange): Sentence {
  const text = (value: unknown): string => (isRecord(value) ? `${String(value.LTarget)} ${String(value.Operand)} ${String(value.RTarget)}` : valueText(value));
  const moves = /unique/.test(attribute) && before !== undefined ? { movesData: true as const } : {};
  if (key === "RTarget") return { text: `it must run where ${attribute} is ${text(after)}, no longer ${text(before)}`, ...moves };
  if (key !== undefined) return { text: `constraint on ${attribute}: ${key} ${amount(before)} to ${amount(after)}`, ...moves };
  return { text: before === undefined ? `it must run where ${text(after)}` : `it need no longer run where ${text(before)}`, ...moves };
}

/** How Nomad takes the change: what users and the worker notice. */
export function effectOf(before: Json, after: Json): string | undefined {
  const [group] = listOf(after.TaskGroups);
  if (!group || jobSentences(before, after).length === 0) return undefined;
  const { Canary: canaries = 0 } = (group.Update ?? {}) as { Canary?: number };
  if (after.Type === "sysbatch" || after.Periodic !== undefined) return "its next run is the new version";
  if (onlyCount(before, after)) return "running copies are left as they are";
  if (Number(canaries) > 0) return `${counted(Number(canaries), "canary", "canaries")} first, then one copy at a time`;
  return after.Type === "system" ? "one node at a time" : "the running copy is stopped, then started anew: a short interruption";
}

function onlyCount(before: Json, after: Json): boolean {
  const leaves = changedLeaves(before, after);
  return leaves.every(({ path }) => path.at(-1) === "Count");
}

/** Names of the members of a comma-separated list that are new and gone. */
export function listWords(before: string, after: string): string | undefined {
  const [was, is] = [before, after].map((text) => text.split(",").filter((member) => member !== ""));
  const added = is.filter((member) => !was.includes(member));
  const removed = was.filter((member) => !is.includes(member));
  if (added.length + removed.length === 0) return is.length === was.length && before !== after ? "in another order" : undefined;
  return [...(added.length > 0 ? [`with ${listed(added)}`] : []), ...(removed.length > 0 ? [`without ${listed(removed)}`] : [])].join(", ");
}
