/** The legacy host in earnest: worker and API by their pid files, the frontend by the environment's commands. */
import { legacyHost, type HostCommands } from "../../data/move/world/ssh-host";
import { reachScript, startScript } from "../../data/move/world/host-scripts";
import { inCheckout } from "../../data/move/world/shell";
import type { ProcessSeen } from "../../data/move/world";
import type { Legacy, LegacyProcess } from "../world";

/** Part of its command line (docs/legacy-lease.md). */
const LEASE_PROGRAM = "worker-lease";
/** A frontend is there some seconds after its start; a busy host takes longer. */
const FRONTEND_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

export interface LegacyOptions extends HostCommands {
  readonly startFrontend: string;
  readonly stopFrontend: string;
  /** The frontend's address on the host itself. */
  readonly frontendUrl: string;
  /** Runs a script with `sh` on the host and returns the lines it printed. @throws when it ends with another status than 0 */
  readonly run: (script: string) => Promise<readonly string[]>;
  readonly wait: (ms: number) => Promise<void>;
}

export function legacySide({ run, startFrontend, stopFrontend, frontendUrl, wait, ...commands }: LegacyOptions): Legacy {
  const host = legacyHost(commands, run);
  const there = (script: string): Promise<readonly string[]> => run(inCheckout(commands.checkout, script));
  const answers = async (): Promise<boolean> => (await there(reachScript(frontendUrl))).includes("yes");
  const becomes = async (wanted: boolean): Promise<boolean> => {
    for (let left = FRONTEND_WITHIN_MS / LOOK_EVERY_MS; left > 0; left--) {
      if ((await answers()) === wanted) return true;
      await wait(LOOK_EVERY_MS);
    }
    return false;
  };
  const named = ({ pid, args }: ProcessSeen): string => `process ${pid} (${args.trim()})`;
  const frontend = {
    async start(): Promise<void> {
      if (await answers()) return;
      await there(startScript(startFrontend));
      if (!(await becomes(true))) throw new Error(`legacy's frontend was started ("${startFrontend}") and does not answer at ${frontendUrl} on its host after ${FRONTEND_WITHIN_MS / 1_000} s; see its log there`);
    },
    async stop(): Promise<void> {
      if (!(await answers())) return;
      await there(startScript(stopFrontend));
      if (!(await becomes(false))) throw new Error(`legacy's frontend was stopped ("${stopFrontend}") and still answers at ${frontendUrl} on its host; see what runs there`);
    },
  };
  return {
    async worker() {
      const { running, ours, strangers } = (await host.look()).writers.worker;
      return { running: running && named(running), ours, underLease: running?.args.includes(LEASE_PROGRAM) === true, strangers: strangers.map(named) };
    },
    stop: (process: LegacyProcess) => (process === "frontend" ? frontend.stop() : host.stop(process)),
    start: (process: LegacyProcess) => (process === "frontend" ? frontend.start() : host.start([process])),
    async convexUrls() {
      const { writers } = await host.look();
      return new Map(Object.entries(writers).flatMap(([process, { running, convexUrl }]) => (running ? [[process, convexUrl ?? "unknown"] as const] : [])));
    },
  };
}
