/** The legacy host's processes as a cutover drives them: the scripts are read, and a host in memory answers. */
import { Duration } from "../../contracts/units";
import { legacySide } from "../../scripts/cutover/world/legacy";

const b64 = (text: string) => Buffer.from(text).toString("base64");
const WORKER = "bun run src/jobs/worker.ts";

class Host {
  frontend = true;
  /** Start and stop have no effect. */
  stuck = false;
  worker: string | undefined = WORKER;
  workerUrl = "http://100.64.0.21:3210";
  readonly ran: string[] = [];
  run = (script: string): Promise<readonly string[]> => {
    if (script.includes("curl -fsS")) return Promise.resolve(this.frontend ? ["yes"] : []);
    for (const [command, to] of [["start-frontend.sh", true], ["stop-frontend.sh", false]] as const) {
      if (!script.includes(command)) continue;
      this.ran.push(command);
      if (!this.stuck) this.frontend = to;
      return Promise.resolve([]);
    }
    return Promise.resolve(["free 1000000", "process 12 1", ...(this.worker ? [`running worker 12 ${b64(this.worker)} ${b64(this.workerUrl)}`, `match worker 12 ${b64(this.worker)} ${b64("/home/trader/app")}`] : []), `match worker 99 ${b64(`bun /home/trader/app/src/jobs/worker.ts`)} ${b64("/tmp")}`]);
  };
}

let host: Host;
let waited: number;
beforeEach(() => ([host, waited] = [new Host(), 0]));
const side = () => legacySide({ checkout: "/home/trader/app", pidFiles: { worker: "w.pid", api: "a.pid" }, stop: { worker: undefined, api: undefined }, start: { worker: "w", api: "a" }, grace: Duration.seconds(1), startFrontend: "scripts/start-frontend.sh", stopFrontend: "scripts/stop-frontend.sh", frontendUrl: "http://127.0.0.1:3000/", run: host.run, wait: (ms) => Promise.resolve(void (waited += ms)) });

test("the worker is its pid file's process, and what no pid file names is a stranger", async () => {
  expect(await side().worker()).toEqual({ running: `process 12 (${WORKER})`, ours: true, underLease: false, strangers: ["process 99 (bun /home/trader/app/src/jobs/worker.ts)"] });
  host.worker = "/usr/bin/node /usr/local/lib/worker-lease.mjs -- bun run src/jobs/worker.ts";
  expect(await side().worker()).toMatchObject({ ours: true, underLease: true });
  host.worker = "sshd: somebody";
  expect(await side().worker()).toMatchObject({ running: "process 12 (sshd: somebody)", ours: false });
});

test("which Convex each running process has; unknown where the host does not show it", async () => {
  expect([...(await side().convexUrls())]).toEqual([["worker", "http://100.64.0.21:3210"]]);
  host.workerUrl = "";
  expect([...(await side().convexUrls())]).toEqual([["worker", "unknown"]]);
});

test("the frontend is started and stopped by the environment's commands, only where it is not so already", async () => {
  await side().start("frontend");
  expect(host.ran).toEqual([]);
  await side().stop("frontend");
  await side().stop("frontend");
  await side().start("frontend");
  expect(host.ran).toEqual(["stop-frontend.sh", "start-frontend.sh"]);
});

test("planted: a command that ends well and does nothing is seen", async () => {
  host.stuck = true;
  await expect(side().stop("frontend")).rejects.toThrow('legacy\'s frontend was stopped ("scripts/stop-frontend.sh") and still answers at http://127.0.0.1:3000/ on its host');
  host.frontend = false;
  await expect(side().start("frontend")).rejects.toThrow(/does not answer at http:\/\/127\.0\.0\.1:3000\/ on its host after 60 s/);
  expect(waited).toBe(120_000);
});
