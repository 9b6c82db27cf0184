/** What an operator does to a job as a whole: new versions, stops, replacements, and two of it. */
import { JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { ActSurroundings } from "./act";
import { withCount, withCrash, withVersion } from "./job-variants";
import { Refused, type RegisteredJob } from "./nomad";
import type { Mark, Performed } from "./scene";
import { PLAIN_JOB } from "./tick-record";
import { GROUP } from "./worker-jobs";

/** A version that crashes is given up when it was not healthy within its deadline, 90 s in a lab, and what comes before and after it. */
const REVERTED_WITHIN = Duration.seconds(150);
/** An evaluation takes some tens of milliseconds. */
const LOOK_EVERY = Duration.ms(100);
/** Ten seconds: Nomad's leader is under load. */
const STOPPED_AFTER_LOOKS = 100;

export class JobActs {
  private versions = 0;

  constructor(private readonly at: Pick<ActSurroundings, "jobs" | "terraform" | "wait">) {}

  /** @param count how many versions, one right after the other */
  async redeploy(count: number, what: string, mark: Mark): Promise<Performed> {
    return this.register(what, (job) => Array.from({ length: count }, () => withVersion(job, this.version())), mark);
  }

  async badRedeploy(mark: Mark): Promise<Performed> {
    const { jobs, wait } = this.at;
    await this.register("a version that crashes is registered", (job) => [withCrash(withVersion(job, this.version()))], mark);
    const end = Date.now() + REVERTED_WITHIN.milliseconds;
    // Its auto-revert registers the version before it, without what crashes.
    while (Date.now() < end && (await jobs.leased()).TaskGroups.some(({ Tasks }) => Tasks.some(({ Env }) => Env?.LAB_FAULT !== undefined))) await wait(Duration.seconds(1));
    mark("seen", Date.now() < end ? "Nomad went back to the version before" : `not reverted within ${REVERTED_WITHIN}`);
    return {};
  }

  async stopThenRun(mark: Mark): Promise<Performed> {
    const both = await this.at.jobs.both();
    mark("action", "job stop, and job run at once");
    await allDone(both.map((job) => this.runAnew(job, false)));
    return {};
  }

  /** Terraform destroys the job, purging it, and registers it anew; to the plain one the same is done by hand. */
  async replace(mark: Mark): Promise<Performed> {
    const { jobs, terraform } = this.at;
    const plain = await jobs.operator.job(PLAIN_JOB);
    mark("action", `terraform apply -replace=nomad_job.${JOBS.worker}`);
    await allDone([terraform.apply("app", undefined, { replace: [`nomad_job.${JOBS.worker}`] }), plain ? this.runAnew(plain, true) : undefined]);
    return {};
  }

  async scaleToTwo(mark: Mark): Promise<Performed> {
    const { operator } = this.at.jobs;
    return this.tryTwo("job scale to 2", (job) => operator.scale(job.ID, GROUP, 2), (job) => operator.scale(job.ID, GROUP, 1), mark);
  }

  async registerTwo(mark: Mark): Promise<Performed> {
    const { operator } = this.at.jobs;
    return this.tryTwo("count 2 is registered", (job) => operator.register(withCount(job, 2)), (job) => operator.register(withCount(job, 1)), mark);
  }

  /** Nomad takes it of the plain job; what it says of the other one counts. */
  private async tryTwo(what: string, ask: (job: RegisteredJob) => Promise<void>, undo: (job: RegisteredJob) => Promise<void>, mark: Mark): Promise<Performed> {
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

  /**
   * Runs a job again as soon as Nomad has decided to stop its allocations, which is
   * when `nomad job stop` returns: before that it is the same job still, and nothing stops.
   * Whatever happens in between, it is registered again.
   */
  private async runAnew(job: RegisteredJob, purge: boolean): Promise<void> {
    const { jobs, wait } = this.at;
    await jobs.operator.deregister(job.ID, purge);
    try {
      for (let looks = 0; (await jobs.current(job.ID)).length > 0; looks += 1) {
        if (looks >= STOPPED_AFTER_LOOKS) throw new Error(`${job.ID} was stopped, and its allocations are still to run after ${looks} looks; see: npm run gvfx -- why ${job.ID}`);
        await wait(LOOK_EVERY);
      }
    } finally {
      await jobs.operator.register(job);
    }
  }

  private async register(what: string, versions: (job: RegisteredJob) => readonly RegisteredJob[], mark: Mark): Promise<Performed> {
    const wanted = (await this.at.jobs.both()).flatMap(versions);
    mark("action", what);
    await Promise.all(wanted.map((job) => this.at.jobs.operator.register(job)));
    return {};
  }

  private version(): string {
    return `${Date.now()}-${(this.versions += 1)}`;
  }
}

/** Waits for all of them, also when one fails: what is under way to a job must not go on beside what gives it back. @throws what the first of those that failed did */
async function allDone(all: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  for (const result of await Promise.allSettled(all)) if (result.status === "rejected") throw result.reason;
}

function refusal(error: unknown): string {
  if (error instanceof Refused) return error.message;
  throw error;
}
