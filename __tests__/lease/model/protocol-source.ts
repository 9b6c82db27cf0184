/** runtime/worker-lease/protocol.mjs as it stands, or with one planted defect; jest's own loader does not take ECMAScript modules. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";

export interface Timing { readonly renewEveryMs: number; readonly terminateAfterMs: number; readonly killAfterMs: number; readonly stopGraceMs: number }
export interface Settings { readonly owner: string; readonly timing: Timing }
export interface State { readonly phase: string; readonly renewedAt: number; readonly session: string | null; readonly exitCode: number | null }

export type Event = { at: number } & (
  | { type: "tick" | "observe-failed" | "session-failed" | "start-failed" | "dead" }
  | { type: "observed"; owner: string | null; ownerIndex: number; holder: string | null }
  | { type: "session-created"; session: string; sentAt: number }
  | { type: "acquired" | "acquire-refused" | "acquire-failed" | "renew-lost" | "renew-failed"; session: string }
  | { type: "released" | "release-failed" | "destroyed" | "destroy-failed"; session: string }
  | { type: "renewed"; session: string; sentAt: number; owner: string | null }
  | { type: "child-exited"; code: number }
  | { type: "stop"; signal: string }
);
/** An event before the contender's clock stamps it. */
export type News = Event extends infer E ? (E extends { at: number } ? Omit<E, "at"> : never) : never;

export type Effect =
  | { type: "observe" | "create-session" | "start" | "kill" }
  | { type: "acquire"; session: string; ownerIndex: number }
  | { type: "renew" | "release" | "destroy"; session: string }
  | { type: "signal"; signal: string }
  | { type: "exit"; code: number };

export interface Protocol {
  readonly CANNOT_START: number;
  initial(at: number): State;
  step(settings: Settings, before: State, event: Event): { state: State; effects: Effect[] };
}

export interface Replacement { readonly text: string; readonly by: string }

const SOURCE = readFileSync(join(__dirname, "../../../runtime/worker-lease/protocol.mjs"), "utf8");

/** @param defect text that must be in the source exactly once, so that a defect never goes stale unseen */
export function loadProtocol(defect?: Replacement): Protocol {
  if (defect && SOURCE.split(defect.text).length !== 2) throw new Error(`${JSON.stringify(defect.text)} is ${SOURCE.split(defect.text).length - 1} times in protocol.mjs, and must be there once: adapt the planted defect`);
  const { code } = transformSync(defect ? SOURCE.replace(defect.text, () => defect.by) : SOURCE, { format: "cjs", target: "node20" });
  const loaded = { exports: {} };
  new Function("module", "exports", code)(loaded, loaded.exports);
  return loaded.exports as Protocol;
}
