/** The faults of the drill in a lab: the lasting ones by `gvfx lab break`, so that its ledger knows them and `gvfx lab heal` undoes them. */
import { setTimeout as pause } from "node:timers/promises";
import { JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { Breaker } from "../lab/break/breaker";
import { CONSUL } from "../lab/break/targets";
import type { Engine } from "../lab/engine";
import type { Machine } from "../lab/machines";
import type { LastingFault, MomentaryFault, Place } from "./case";
import type { Mark, Performed } from "./scene";
import { PLAIN_JOB } from "./tick-record";
import type { WorkerJobs } from "./worker-jobs";

export interface Surroundings {
  /** Where the worker with a lease runs. */
  readonly workerNode: () => Machine;
  /** Name of a machine. */
  readonly nomadLeader: () => Promise<string>;
  readonly consulLeader: () => Promise<Machine>;
}

type Lasting = Required<Pick<Performed, "heal">> & Pick<Performed, "confirm">;

/** From the words for people, which the lab's service manager and systemd share; none while the unit is down. */
const MAIN_PID = `systemctl status "$1" | sed -n 's/.*Main PID: \\([0-9]*\\).*/\\1/p'`;
/** A killed process is gone in milliseconds; its manager learns it when it gets a core. */
const GONE_WITHIN = Duration.seconds(5);

export class LabFaults {
  constructor(private readonly breaker: Breaker, private readonly engine: Engine, private readonly jobs: WorkerJobs, private readonly at: Surroundings) {}

  async last(fault: LastingFault, place: Place, mark: Mark): Promise<Lasting> {
    if (place === "workers") return this.pauseWorkers(mark);
    const name = place === "worker-node" ? this.at.workerNode().name : place === "leader" ? await this.at.nomadLeader() : CONSUL;
    const entries = await this.breaker.break(fault, [name], {}, (line) => mark("fault", line));
    return {
      ...(place === "leader" ? { confirm: () => this.anotherLeads(name, mark) } : {}),
      heal: async () => void (await this.breaker.heal({ entries }, (line) => mark("heal", line))),
    };
  }

  /** @throws Error when the servers noticed nothing: the worker that stays undisturbed then would prove nothing */
  private async anotherLeads(lost: string, mark: Mark): Promise<void> {
    const leader = await this.at.nomadLeader();
    if (leader === lost) throw new Error(`${lost} leads Nomad's servers still, although it is broken: nothing was lost, and nothing is shown`);
    mark("seen", `${leader} leads Nomad's servers`);
  }

  async happen(fault: MomentaryFault, mark: Mark): Promise<void> {
    const node = this.at.workerNode();
    switch (fault) {
      case "restart-consul-leader": {
        const leader = await this.at.consulLeader();
        const startedAt = async (): Promise<string | undefined> => (await this.engine.inspect([leader.container]))[0]?.startedAt;
        const before = await startedAt();
        mark("fault", `${leader.name}, Consul's leader, is restarted`);
        await this.breaker.break("restart", [leader.name]);
        if ((await startedAt()) === before) throw new Error(`${leader.name} was restarted, and runs since ${before} as before: nothing was lost, and nothing is shown`);
        return mark("heal", `${leader.name} is back`);
      }
      case "kill-nomad-agent":
        return this.killUnit(node, "nomad", "Nomad agent", mark);
      case "kill-engine":
        return this.killUnit(node, "docker", "Docker engine", mark);
      case "kill-wrapper":
        return this.killFirstProcesses(mark);
    }
  }

  /** @throws Error when it did not run, or runs on: the worker that stays undisturbed then would prove nothing */
  private async killUnit(node: Machine, unit: string, title: string, mark: Mark): Promise<void> {
    const main = async (): Promise<string> => (await this.engine.text(["exec", node.container, "sh", "-c", MAIN_PID, "sh", unit])).trim();
    const before = await main();
    if (!(Number(before) > 0)) throw new Error(`${node.name}: there is no ${title} to kill; see: npm run gvfx -- lab status`);
    mark("fault", `${node.name}: ${title} killed with -9`);
    await this.engine.text(["exec", node.container, "systemctl", "kill", "--kill-whom", "main", "-s", "SIGKILL", unit]);
    for (const end = Date.now() + GONE_WITHIN.milliseconds; (await main()) === before; await pause(100)) {
      if (Date.now() > end) throw new Error(`${node.name}: ${title} (process ${before}) was killed with -9 and runs on`);
    }
  }

  /** The wrapper of the one, and of the other the worker itself, which has none. */
  private async killFirstProcesses(mark: Mark): Promise<void> {
    const tasks = await this.bothTasks();
    await Promise.all(
      tasks.map(async ({ job, node, container }) => {
        const pid = firstProcess(await this.engine.inside(node.container).lines(["top", container, "-eo", "pid,args"]));
        if (!pid) throw new Error(`${job}: nothing to kill in ${container}`);
        mark("fault", `${job}: ${job === JOBS.worker ? "lease wrapper" : "worker"} killed with -9`);
        await this.engine.text(["exec", node.container, "kill", "-9", pid]);
      }),
    );
  }

  private async pauseWorkers(mark: Mark): Promise<Lasting> {
    const entries = await this.breaker.break("pause", [JOBS.worker], {}, (line) => mark("fault", line));
    const plain = await this.jobs.tasks(PLAIN_JOB);
    for (const { node, container } of plain) await this.engine.inside(node.container).text(["pause", container]);
    const heal = async (): Promise<void> => {
      await this.breaker.heal({ entries }, (line) => mark("heal", line));
      for (const { node, container } of plain) await this.engine.inside(node.container).call(["unpause", container]);
    };
    return { heal };
  }

  private async bothTasks() {
    return [...(await this.jobs.tasks(JOBS.worker)), ...(await this.jobs.tasks(PLAIN_JOB))];
  }
}

/** The process that an init runs as the container's command: the wrapper where there is one. @param top lines of `docker top -eo pid,args` */
export function firstProcess(top: readonly string[]): string | undefined {
  const processes = top.slice(1).map((line) => /^\s*(\d+)\s+(.*)$/.exec(line)).flatMap((match) => (match ? [{ pid: match[1], args: match[2] }] : []));
  const commands = processes.filter(({ args }) => !/^\S*(docker-init|tini)\b/.test(args));
  return (commands.find(({ args }) => /worker-lease\.mjs/.test(args)) ?? commands.find(({ args }) => /jobs\/worker\.ts/.test(args)))?.pid;
}
