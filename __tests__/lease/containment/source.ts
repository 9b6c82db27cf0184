/** The containment's modules that need no real process, loaded into this one: jest's own loader takes no ECMAScript modules. */
import { join } from "node:path";
import { buildSync } from "esbuild";

export interface Process { readonly pid: number; readonly name: string; readonly state: string; readonly parent: number; readonly threads: number; readonly startedAt: string }

interface Source {
  parseStat(stat: string): Process;
  isAlive(process: Pick<Process, "state" | "threads">): boolean;
  named(list: readonly Pick<Process, "pid" | "name">[]): string;
  findProgram(word: string, path: string | undefined): string | undefined;
  resolved(command: readonly string[], env: Readonly<Record<string, string | undefined>>): string[];
  exitCode(code: number | null, signal: string | null): number;
  unshareCommand(host: { root: boolean; tool(name: string): string | undefined; read(setting: string): string | undefined }): { unshare?: readonly string[]; problem?: string };
}

function load(): Source {
  const contents = ["processes", "child", "namespace"].map((name) => `export * from "./containment-${name}.mjs";`).join("\n");
  const built = buildSync({ stdin: { contents, resolveDir: join(__dirname, "../../../runtime/worker-lease") }, bundle: true, platform: "node", format: "cjs", target: "node20", write: false });
  const loaded = { exports: {} };
  new Function("module", "exports", "require", built.outputFiles[0].text)(loaded, loaded.exports, require);
  return loaded.exports as Source;
}

export const source = load();
