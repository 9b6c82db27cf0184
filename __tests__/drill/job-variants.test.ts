/** The jobs of a drill, made of the worker's own as it is deployed. */
import { readFileSync } from "node:fs";
import { loadEnvironment } from "../../environments/load";
import { breaches } from "../../lab/doubles/backend/settings";
import { hasMovableClock, isChanged, isTampered, original, plainJob, withCount, withCrash, withMovableClock, withVersion } from "../../scripts/drill/job-variants";
import type { RegisteredJob } from "../../scripts/drill/nomad";

const env = loadEnvironment("lab");
const worker = JSON.parse(readFileSync("deploy/nomad/gvfx-worker.nomad.json", "utf8")) as RegisteredJob;
const plain = plainJob(worker, env, "server-2");
const [group] = plain.TaskGroups;
const [task] = group.Tasks;

describe("the plain job", () => {
  test("is the usual hand-written policy: no lease, no disconnect block, no bounds; rescheduled without limit, all else Nomad's own", () => {
    expect(JSON.stringify(plain)).not.toMatch(/worker-lease|Disconnect|Scaling|RestartPolicy|Update|Migrate|ShutdownDelay|Vault|Template/);
    expect(group).toMatchObject({ Count: 1, ReschedulePolicy: { Unlimited: true } });
    expect(task.Config).toMatchObject({ command: "bun", args: ["run", "src/jobs/worker.ts"], init: true, image: worker.TaskGroups[0].Tasks[0].Config.image });
  });

  test("prefers the node where the other one runs, and both hit one fault", () => expect(plain.Affinities).toEqual([{ LTarget: "${node.unique.name}", RTarget: "server-2", Operand: "=", Weight: 100 }]));

  test("has an environment that the worker accepts, speaks to the lab's exchange, and writes nothing", () => {
    expect(breaches("worker", { ...task.Env })).toEqual([]);
    expect(task.Env).toMatchObject({ LAB_SINK: "none", BINGX_WS_ENABLED: "true", BINGX_WS_URL: "ws://100.127.0.51:8080/ws", BINGX_BASE_URL: "http://100.127.0.51:8080" });
    expect(task.Env).not.toHaveProperty("METRICS_PORT");
  });
});

describe("changes of the worker", () => {
  test("are all taken back, and nothing else is", () => {
    for (const change of [(job: RegisteredJob) => withVersion(job, "1"), withMovableClock, withCrash, (job: RegisteredJob) => withCrash(withMovableClock(withVersion(job, "2")))]) {
      const changed = change(worker);
      expect(changed).not.toEqual(worker);
      expect([isChanged(changed), isChanged(worker)]).toEqual([true, false]);
      expect(original(changed)).toEqual(original(worker));
    }
    expect(original(worker).Meta).toEqual(worker.Meta);
    expect(original(worker).TaskGroups[0].Tasks[0].Env).toEqual(worker.TaskGroups[0].Tasks[0].Env ?? {});
  });

  test("a mere version may stay between two cases, an environment may not", () => {
    expect([isTampered(withVersion(worker, "1")), isTampered(withCrash(worker)), isTampered(withMovableClock(worker))]).toEqual([false, true, true]);
    expect([hasMovableClock(worker), hasMovableClock(withMovableClock(worker)), hasMovableClock(withMovableClock(plain))]).toEqual([false, true, true]);
  });

  test("the monotonic clock is never moved", () => expect(withMovableClock(worker).TaskGroups[0].Tasks[0].Env).toMatchObject({ DONT_FAKE_MONOTONIC: "1" }));

  test("count", () => expect(withCount(worker, 2).TaskGroups.map(({ Count }) => Count)).toEqual([2]));
});
