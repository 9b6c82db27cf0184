/** What an operator does in the drill, to both jobs alike and at the same time. */
import { JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { Engine } from "../lab/engine";
import type { Terraform } from "../lab/terraform";
import type { OperatorAct } from "./case";
import { CLOCK_FILE, withCount, withCrash, withVersion } from "./job-variants";
import { Refused, type RegisteredJob } from "./nomad";
import type { Mark } from "./scene";
import { PLAIN_JOB } from "./tick-record";
import { GROUP, type WorkerJobs } from "./worker-jobs";

type Done = { readonly refused?: string; readonly heal?: () => Promise<void> };

/** A version that crashes is given up when it was not healthy within its deadline, 90 s in a lab, and what comes before and after it. */
const REVERTED_WITHIN = Duration.seconds(150);
/** An evaluation takes some tens of milliseconds. */
const LOOK_EVERY = Duration.ms(100);
/** Ten seconds: Nomad's leader is under load. */
const STOPPED_AFTER_LOOKS = 100;
const HOUR_SECONDS = 3_600;
/** Several renewals, and more than a session's TTL. */
const CLOCK_STAYS = Duration.seconds(20);
/** Of an hour, what the machine's own clock may have been set by meanwhile. */
const CLOCK_IS_RIGHT = Duration.minutes(1);

export interface ActSurroundings {
  readonly jobs: WorkerJobs;
  readonly engine: Engine;
  readonly terraform: Pick<Terraform, "apply">;
  readonly workerNode: () => string;
  /** Folder of Nomad's data on a node. */
  readonly dataDir: string;
  readonly wait: (time: Duration) => Promise<void>;
  /** By how much the wall clock of the worker with a lease is ahead of its monotonic one, in milliseconds, as its newest tick says; undefined while none ticks. */
  readonly wallAhead: () => number | undefined;
}

export class LabActs {
  private versions = 0;

  constructor(private readonly at: ActSurroundings) {}

  async do(act: OperatorAct, mark: Mark): Promise<Done> {
    const { jobs } = this.at;
    const { operator } = jobs;
    switch (act) {
      case "drain": {
        const node = this.at.workerNode();
        mark("action", `${node} is drained`);
        await operator.drain(node);
        return { heal: async () => (await operator.open(node), mark("heal", `${node} takes allocations again`)) };
      }
      case "redeploy":
        return this.register("a new version is registered", (job) => [withVersion(job, this.version())], mark);
      case "deploy-twice":
        return this.register("two new versions are registered at once", (job) => [withVersion(job, this.version()), withVersion(job, this.version())], mark);
      case "bad-redeploy":
        return this.badRedeploy(mark);
      case "restart-job":
        mark("action", "job restart: the allocations are restarted in place");
        await this.eachAllocation((id) => jobs.restart(id));
        return {};
      case "stop-allocation":
        mark("action", "alloc stop");
        await this.eachAllocation((id) => operator.stopAllocation(id));
        return {};
      case "stop-then-run":
        return this.stopThenRun(mark);
      case "scale-to-2":
        return this.tryTwo("job scale to 2", (job) => operator.scale(job.ID, GROUP, 2), (job) => operator.scale(job.ID, GROUP, 1), mark);
      case "register-count-2":
        return this.tryTwo("count 2 is registered", (job) => operator.register(withCount(job, 2)), (job) => operator.register(withCount(job, 1)), mark);
      case "replace":
        return this.replace(mark);
      case "clock-jump":
        return this.jumpClock(mark);
    }
  }

  private version(): string {
    return `${Date.now()}-${(this.versions += 1)}`;
  }

  private async register(what: string, versions: (job: RegisteredJob) => readonly RegisteredJob[], mark: Mark): Promise<Done> {
    const wanted = (await this.at.jobs.both()).flatMap(versions);
    mark("action", what);
    await Promise.all(wanted.map((job) => this.at.jobs.operator.register(job)));
    return {};
  }

  private async badRedeploy(mark: Mark): Promise<Done> {
    const { jobs, wait } = this.at;
    await this.register("a version that crashes is registered", (job) => [withCrash(withVersion(job, this.version()))], mark);
    const end = Date.now() + REVERTED_WITHIN.milliseconds;
    // Its auto-revert registers the version before it, without what crashes.
    while (Date.now() < end && (await jobs.leased()).TaskGroups.some(({ Tasks }) => Tasks.some(({ Env }) => Env?.LAB_FAULT !== undefined))) await wait(Duration.seconds(1));
    mark("seen", Date.now() < end ? "Nomad went back to the version before" : `not reverted within ${REVERTED_WITHIN}`);
    return {};
  }

  private async stopThenRun(mark: Mark): Promise<Done> {
    const both = await this.at.jobs.both();
    mark("action", "job stop, and job run at once");
    await Promise.all(both.map((job) => this.runAnew(job, false)));
    return {};
  }

  /**
   * Runs a job again as soon as Nomad has decided to stop its allocations, which is
   * when `nomad job stop` returns: before that it is the same job still, and nothing stops.
   */
  private async runAnew(job: RegisteredJob, purge: boolean): Promise<void> {
    const { jobs, wait } = this.at;
    await jobs.operator.deregister(job.ID, purge);
    for (let looks = 0; (await jobs.current(job.ID)).length > 0; looks += 1) {
      if (looks >= STOPPED_AFTER_LOOKS) throw new Error(`${job.ID} was stopped, and its allocations are still to run after ${looks} looks; see: npm run gvfx -- why ${job.ID}`);
      await wait(LOOK_EVERY);
    }
    await jobs.operator.register(job);
  }

  /** Nomad takes it of the plain job; what it says of the other one counts. */
  private async tryTwo(what: string, ask: (job: RegisteredJob) => Promise<void>, undo: (job: RegisteredJob) => Promise<void>, mark: Mark): Promise<Done> {
    const both = await this.at.jobs.both();
    mark("action", what);
    const answers = await Promise.all(both.map(async (job) => ({ job, refused: await ask(job).then(() => undefined, refusal) })));
    for (const { job, refused } of answers) mark("seen", `${job.ID}: ${refused === undefined ? "taken" : `refused: ${refused}`}`);
    const taken = answers.filter(({ refused }) => refused === undefined).map(({ job }) => job);
    return {
      refused: answers.find(({ job }) => job.ID === JOBS.worker)?.refused,
      heal: async () => {
        for (const job of taken) {
          await undo(job);
          mark("heal", `${job.ID}: one again`);
        }
      },
    };
  }

  /** Terraform destroys the job, purging it, and registers it anew; to the plain one the same is done by hand. */
  private async replace(mark: Mark): Promise<Done> {
    const { jobs, terraform } = this.at;
    const plain = await jobs.operator.job(PLAIN_JOB);
    mark("action", `terraform apply -replace=nomad_job.${JOBS.worker}`);
    await Promise.all([
      terraform.apply("app", undefined, { replace: `nomad_job.${JOBS.worker}` }),
      plain && this.runAnew(plain, true),
    ]);
    return {};
  }

  /** @throws Error when the worker does not see its clock move: nothing was tried then */
  private async jumpClock(mark: Mark): Promise<Done> {
    const before = this.at.wallAhead();
    for (const [seconds, what] of [[HOUR_SECONDS, "an hour ahead"], [-HOUR_SECONDS, "an hour behind"], [0, "right again"]] as const) {
      mark(seconds === 0 ? "heal" : "fault", `the wall clock of both workers' containers is ${what}`);
      await this.setClocks(seconds);
      await this.at.wait(CLOCK_STAYS);
      const moved = ((this.at.wallAhead() ?? Number.NaN) - (before ?? Number.NaN)) / 1_000;
      if (!(Math.abs(moved - seconds) < CLOCK_IS_RIGHT.seconds)) throw new Error(`the worker's wall clock should be ${what} (${seconds} s) and moved by ${moved.toFixed(1)} s: its image lacks libfaketime, or its clock is not that library's`);
    }
    return {};
  }

  /** From outside of the container: a foreign process in it would be one that the lease does not know. */
  private async setClocks(seconds: number): Promise<void> {
    const tasks = [...(await this.at.jobs.tasks(JOBS.worker)), ...(await this.at.jobs.tasks(PLAIN_JOB))];
    await Promise.all(tasks.map(({ allocation, node }) => this.at.engine.text(["exec", node.container, "sh", "-c", `f=${this.at.dataDir}/alloc/${allocation}${CLOCK_FILE}; echo '${seconds < 0 ? "" : "+"}${seconds}' > "$f.new" && chmod 644 "$f.new" && mv "$f.new" "$f"`])));
  }

  private async eachAllocation(act: (id: string) => Promise<void>): Promise<void> {
    const all = [...(await this.at.jobs.current(JOBS.worker)), ...(await this.at.jobs.current(PLAIN_JOB))];
    await Promise.all(all.map(({ id }) => act(id)));
  }
}

function refusal(error: unknown): string {
  if (error instanceof Refused) return error.message;
  throw error;
}

