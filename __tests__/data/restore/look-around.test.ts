/** What is seen before a restore is planned, in the moments after a node was lost. */
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import type { DataJobs } from "../../../scripts/data/restore/jobs";
import { chooseSource, lookAtJobs } from "../../../scripts/data/restore/look-around";
import { planRestore } from "../../../scripts/data/restore/plan";
import type { JobFacts } from "../../../scripts/data/restore/types";
import { facts, node, POINT } from "./facts";

const SEEN = facts().jobs as readonly JobFacts[];
const SOON = Duration.ms(1);

/** A double of Nomad that fails in these ways, one after the other, and then answers. */
function nomad(...failures: readonly string[]) {
  const counted = { asked: 0 };
  const unasked = async (): Promise<never> => {
    throw new Error("a look neither starts nor stops anything");
  };
  const jobs: DataJobs = {
    async facts() {
      const failure = failures[counted.asked++];
      if (failure !== undefined) throw new Error(failure);
      return SEEN;
    },
    stop: unasked,
    start: unasked,
    stopBackups: unasked,
  };
  return { counted, jobs: () => jobs };
}

test("while Nomad's servers turn to a leader that is gone, they are asked again", async () => {
  const electing = nomad("rpc error: EOF", "rpc error: failed to get conn: dial tcp 100.127.0.11:4647: no route to host");
  expect(await lookAtJobs(electing, undefined, SOON)).toBe(SEEN);
  expect(electing.counted.asked).toBe(3);
});

test("what another question would not change is said at once", async () => {
  for (const said of ["rpc error: Permission denied", "rpc error: ACL token not found", "Permission denied", "no Nomad server is known"]) {
    const refusing = nomad(said, said);
    expect(await lookAtJobs(refusing, undefined, SOON)).toEqual({ unknown: expect.stringContaining(said) });
    expect([said, refusing.counted.asked]).toEqual([said, 1]);
  }
});

test("an election that does not end is waited for no longer than one takes, and an interrupt ends the waiting", async () => {
  const leaderless = nomad(...Array<string>(100).fill("rpc error: EOF"));
  expect(await lookAtJobs(leaderless, undefined, SOON)).toEqual({ unknown: expect.stringContaining("rpc error: EOF") });
  expect(leaderless.counted.asked).toBe(10);
  const interrupted = nomad("rpc error: EOF");
  await expect(lookAtJobs(interrupted, AbortSignal.abort())).rejects.toThrow(/abort/i);
  expect(interrupted.counted.asked).toBe(1);
});

test("the lab without its data node is restored from the backups on the node that is left, and what trades is stopped", () => {
  const env = loadEnvironment("lab-without-server-1");
  expect([env.name, env.dataPlane.node, env.dataPlane.initializeEmptyVolumes]).toEqual(["lab", "server-2", false]);
  const nodes = [{ name: "server-1", silent: "connection refused" }, node("server-2")];
  const from = chooseSource(env, nodes, "local");
  expect(from).toEqual({ kind: "local", node: "server-2" });
  const planned = planRestore(facts({ environment: env.name, dataNode: env.dataPlane.node, nodes }), { mode: "in-place", point: POINT, target: env.dataPlane.node, from });
  expect("plan" in planned && planned.plan.steps.map(({ kind }) => kind)).toEqual(["fetch", "check-files", "prove-database", "load-objects", "prove-references", "mark-proven", "stop-backups", "stop-jobs", "prove-idle", "swap"]);
  expect("plan" in planned && planned.plan.steps.find(({ kind }) => kind === "stop-jobs")).toEqual({ kind: "stop-jobs", jobs: ["gvfx-worker", "gvfx-api"] });
});
