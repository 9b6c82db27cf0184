/** What an operator does in the drill, to both jobs alike and at the same time. */
import { JOBS } from "../../contracts/services";
import type { ActSurroundings } from "./act";
import type { OperatorAct } from "./case";
import { jumpClock } from "./clock-jump";
import { JobActs } from "./job-acts";
import type { Mark, Performed } from "./scene";
import { PLAIN_JOB } from "./tick-record";

export class LabActs {
  private readonly onJobs: JobActs;

  constructor(private readonly at: ActSurroundings) {
    this.onJobs = new JobActs(at);
  }

  async do(act: OperatorAct, mark: Mark): Promise<Performed> {
    const { jobs } = this.at;
    switch (act) {
      case "drain":
        return this.drain(mark);
      case "redeploy":
        return this.onJobs.redeploy(1, "a new version is registered", mark);
      case "deploy-twice":
        return this.onJobs.redeploy(2, "two new versions are registered at once", mark);
      case "bad-redeploy":
        return this.onJobs.badRedeploy(mark);
      case "restart-job":
        return this.eachAllocation("job restart: the allocations are restarted in place", (id) => jobs.restart(id), mark);
      case "stop-allocation":
        return this.eachAllocation("alloc stop", (id) => jobs.operator.stopAllocation(id), mark);
      case "stop-then-run":
        return this.onJobs.stopThenRun(mark);
      case "scale-to-2":
        return this.onJobs.scaleToTwo(mark);
      case "register-count-2":
        return this.onJobs.registerTwo(mark);
      case "replace":
        return this.onJobs.replace(mark);
      case "clock-jump":
        await jumpClock(this.at, mark);
        return {};
    }
  }

  private async drain(mark: Mark): Promise<Performed> {
    const { operator } = this.at.jobs;
    const node = this.at.workerNode();
    mark("action", `${node} is drained`);
    await operator.drain(node);
    return { heal: async () => (await operator.open(node), mark("heal", `${node} takes allocations again`)) };
  }

  private async eachAllocation(what: string, act: (id: string) => Promise<void>, mark: Mark): Promise<Performed> {
    mark("action", what);
    const { jobs } = this.at;
    const all = [...(await jobs.current(JOBS.worker)), ...(await jobs.current(PLAIN_JOB))];
    await Promise.all(all.map(({ id }) => act(id)));
    return {};
  }
}
