/** Breaks parts of the lab and heals them again; what is broken is in the ledger. */
import { setTimeout as sleep } from "node:timers/promises";
import { Duration } from "../../../contracts/units";
import { nomadServers, type Machine } from "../machines";
import type { NomadAllocation } from "../status/nomad";
import { runningTasks, type RunningTask } from "../status/tasks";
import { Ledger, sameFault, type Broken, type Fault } from "./ledger";
import { NetworkNamespaces, type NetworkNamespacesProps } from "./namespaces";
import { CUT_CHAINS, cutScript, PARTITION_CHAIN, partitionScript, QUORUM_CHAIN, quorumScript, slowScript, uncutScript, unslowScript } from "./network";
import { CONSUL, NOMAD_SERVERS, targetsOf, type Target } from "./targets";

export const ACTIONS = ["stop", "kill", "pause", "partition", "slow", "restart", "cut-consul", "cut-nomad", "crash-consul", "crash-nomad"] as const;
export type Action = (typeof ACTIONS)[number];

/** Jobs and their allocations, as far as a break of a job needs them. */
export interface JobControl {
  readonly allocations: () => Promise<readonly NomadAllocation[]>;
  readonly restartAllocation: (id: string) => Promise<void>;
}

export interface BreakerProps extends NetworkNamespacesProps {
  readonly machines: readonly Machine[];
  /** Undefined while Nomad is not deployed: then only machines can be broken. */
  readonly jobs: JobControl | undefined;
  /** @default .gvfx/lab/broken.json */
  readonly ledger?: Ledger;
}

export interface BreakOptions {
  /** For `slow`. @default 200 ms */
  readonly delay?: Duration;
  /** When whoever breaks it means to heal it; for the record alone. */
  readonly until?: Date;
}

/** Slower than any tailnet that is not relayed through another continent. */
export const DEFAULT_DELAY = Duration.ms(200);

const FREEZE_ATTEMPTS = 4;
const FREEZE_AGAIN_AFTER = Duration.ms(500);

/** One thing to do, and its record when it lasts. */
interface Deed {
  readonly title: string;
  readonly record?: Broken;
  readonly act: () => Promise<void>;
}

export class Breaker {
  readonly ledger: Ledger;
  private readonly namespaces: NetworkNamespaces;

  constructor(private readonly props: BreakerProps) {
    this.namespaces = new NetworkNamespaces(props);
    this.ledger = props.ledger ?? new Ledger();
  }

  /**
   * Breaks what is named; what is broken in that way already stays so.
   * @returns what was recorded, for a heal of exactly that
   * @throws Error when a name or its combination with the action makes no sense (nothing is broken then), or the engine does not do it
   */
  async break(action: Action, names: readonly string[], options: BreakOptions = {}, tell: (line: string) => void = () => undefined): Promise<Broken[]> {
    const group = (target: Target): string | undefined => (names.includes(CONSUL) && target.kind === "machine" && target.machine.role === "consul" ? CONSUL : undefined);
    const deeds = (await Promise.all(targetsOf(names, this.props.machines).map(async (target) => (await this.deeds(action, target, options)).map((deed) => (deed.record && group(target) ? { ...deed, record: { ...deed.record, group: group(target) } } : deed))))).flat();
    const before = this.ledger.read();
    const holding = await Promise.all(deeds.map(async ({ record }) => record !== undefined && before.some((entry) => sameFault(entry, record)) && this.holds(record)));
    const fresh = deeds.filter((_, index) => !holding[index]);
    for (const { title } of deeds.filter((_, index) => holding[index])) tell(`${title}: is so already`);
    await this.ledger.add(fresh.flatMap(({ record }) => record ?? []));
    // At once: three servers that go one after the other are another fault.
    const results = await Promise.allSettled(fresh.map(async ({ act, title }) => (await act(), tell(title))));
    const failed = results.flatMap((result, index) => (result.status === "rejected" ? [{ deed: fresh[index], error: result.reason as Error }] : []));
    for (const { deed } of failed) if (deed.record) await this.ledger.remove(deed.record);
    if (failed.length > 0) throw new Error(failed.map(({ deed, error }) => `${deed.title} did not work: ${error.message}`).join("\n") + (failed.length < fresh.length ? "\nThe rest worked and is recorded; undo it with: npm run gvfx -- lab heal" : ""));
    return fresh.flatMap(({ record }) => record ?? []);
  }

  /**
   * Undoes what is recorded: all of it, what has one of the names, or exactly the given entries.
   * Healing what is well already does nothing.
   */
  async heal(which: { readonly names?: readonly string[]; readonly entries?: readonly Broken[] } = {}, tell: (line: string) => void = () => undefined): Promise<Broken[]> {
    const { names, entries } = which;
    const known = names && new Set([...names, ...targetsOf(names, this.props.machines).map(({ name }) => name)]);
    const chosen = this.ledger.read().filter((entry) => (entries ? entries.some((other) => sameFault(entry, other)) : !known || known.has(entry.name) || (entry.group !== undefined && known.has(entry.group)) || known.has(this.machineName(entry.container))));
    const byContainer = new Map<string, Broken[]>();
    for (const entry of chosen) byContainer.set(entry.within ?? entry.container, [...(byContainer.get(entry.within ?? entry.container) ?? []), entry]);
    const results = await Promise.allSettled(
      [...byContainer.values()].map(async (list) => {
        // A machine must run before anything in it can be healed.
        for (const entry of [...list].sort((a, b) => ORDER.indexOf(a.fault) - ORDER.indexOf(b.fault))) {
          await this.undo(entry);
          await this.ledger.remove(entry);
          tell(`${entry.name}: ${HEALED[entry.fault]}`);
        }
      }),
    );
    const errors = results.flatMap((result) => (result.status === "rejected" ? [(result.reason as Error).message] : []));
    if (errors.length > 0) throw new Error(`not everything was healed; what is left is still recorded, and can be tried again with: npm run gvfx -- lab heal\n${errors.join("\n")}`);
    return chosen;
  }

  private machineName(container: string): string {
    return this.props.machines.find((machine) => machine.container === container)?.name ?? container;
  }

  private async deeds(action: Action, target: Target, options: BreakOptions): Promise<Deed[]> {
    if (target.kind === "machine") return [this.machineDeed(action, target.machine, options)];
    if (target.kind === "job") return this.jobDeeds(action, target.name, options);
    if (action !== "partition") throw new Error(`${NOMAD_SERVERS} can only be partitioned (from each other, so that there is no quorum): the servers share their machines with clients and tasks. Machines: ${action} ${nomadServers(this.props.machines).map(({ name }) => name).join(" ")}`);
    const servers = nomadServers(this.props.machines);
    return servers.map((machine) => this.lasting("quorum", machine.name, machine.container, options, `${machine.name}: cut off from the other Nomad servers`, async () => {
      const peers = servers.filter((other) => other !== machine).map(({ address }) => address);
      await this.namespaces.run(machine.container, (network) => quorumScript(network, peers));
    }, NOMAD_SERVERS));
  }

  private machineDeed(action: Action, machine: Machine, options: BreakOptions): Deed {
    const { name, container, role } = machine;
    const { engine } = this.props;
    const agent = action.endsWith("-nomad") ? "Nomad agent" : action === "crash-consul" ? "Consul agent" : undefined;
    if (agent && role !== "node" && role !== "witness") throw new Error(`${name} runs no ${agent}, so that ${action} means nothing there; machines that do: ${nomadServers(this.props.machines).map((it) => it.name).join(", ")}`);
    const docker = (verb: string) => async (): Promise<void> => void (await engine.text([verb, container]));
    switch (action) {
      case "restart":
        return { title: `${name}: restarted`, act: docker("restart") };
      case "stop":
        return this.lasting("stop", name, container, options, `${name}: stopped`, docker("stop"));
      case "kill":
        return this.lasting("kill", name, container, options, `${name}: killed`, docker("kill"));
      case "pause":
        return this.lasting("pause", name, container, options, `${name}: paused`, () => this.freeze(container));
      case "partition":
        return this.lasting("partition", name, container, options, `${name}: cut off from the network`, () => this.namespaces.run(container, partitionScript));
      case "cut-consul":
        return this.lasting("cut-consul", name, container, options, `${name}: cut off from Consul`, () => this.namespaces.run(container, (network) => cutScript(network, "consul")));
      case "cut-nomad":
        return this.lasting("cut-nomad", name, container, options, `${name}: cut off from Nomad`, () => this.namespaces.run(container, (network) => cutScript(network, "nomad")));
      case "crash-consul":
      case "crash-nomad": {
        const unit = CRASHED[action];
        // Its service manager would start it again two seconds later; containers live on.
        return this.lasting(action, name, container, options, `${name}: ${agent} killed, and not started again`, async () => void (await engine.text(["exec", container, "sh", "-c", `systemctl kill --kill-whom main -s SIGKILL ${unit}; systemctl stop ${unit}`])));
      }
      case "slow": {
        const delay = options.delay ?? DEFAULT_DELAY;
        return this.lasting("slow", name, container, options, `${name}: slowed by ${delay}`, () => this.namespaces.run(container, (network) => slowScript(network, delay)));
      }
    }
  }

  /** The kernel freezes no process that waits for a disk, and the engine gives up on the whole container then: it is a moment's matter. */
  private async freeze(container: string): Promise<void> {
    for (let left = FREEZE_ATTEMPTS; ; left--) {
      try {
        await this.props.engine.text(["pause", container]);
        return;
      } catch (error) {
        if (left === 1 || !/unable to freeze/.test((error as Error).message)) throw error;
        await sleep(FREEZE_AGAIN_AFTER.milliseconds);
      }
    }
  }

  private async jobDeeds(action: Action, job: string, options: BreakOptions): Promise<Deed[]> {
    const { jobs, engine, machines } = this.props;
    if (action === "cut-consul" || action === "cut-nomad" || isCrash(action)) throw new Error(`${action} is done to a machine, and ${job} is a job: name the machine that it runs on`);
    if (action === "stop" || action === "partition" || action === "slow") throw new Error(`${job} is a job, and a job cannot be ${{ stop: "stopped here: Nomad would start it again at once, which is what kill shows", partition: "partitioned by itself: cut off the machine it runs on", slow: "slowed by itself: slow the machine it runs on" }[action]}. Jobs can be killed, paused or restarted`);
    if (!jobs) throw new Error(`the jobs are not deployed, so that ${job} cannot be found; bring the lab up with: npm run lab`);
    const tasks = runningTasks(await jobs.allocations(), machines, job);
    if (tasks.length === 0) throw new Error(`no task of ${job} runs, so that there is nothing to ${action}; see why with: npm run gvfx -- lab status`);
    const where = ({ task, node, allocation }: RunningTask): string => `${job}: task ${task} of allocation ${allocation.slice(0, 8)} on ${node.name}`;
    if (action === "restart") return [...new Map(tasks.map((task) => [task.allocation, task])).values()].map((task) => ({ title: `${job}: allocation ${task.allocation.slice(0, 8)} on ${task.node.name} restarted`, act: () => jobs.restartAllocation(task.allocation) }));
    const inner = (task: RunningTask, verb: string) => async (): Promise<void> => void (await engine.inside(task.node.container).text([verb, task.container]));
    if (action === "kill") return tasks.map((task) => ({ title: `${where(task)} killed`, act: inner(task, "kill") }));
    return tasks.map((task) => {
      const deed = this.lasting("task-pause", job, task.container, options, `${where(task)} paused`, inner(task, "pause"));
      return { ...deed, record: { ...deed.record!, within: task.node.container } };
    });
  }

  private lasting(fault: Fault, name: string, container: string, { until }: BreakOptions, title: string, act: () => Promise<void>, group?: string): Deed {
    return { title, act, record: { fault, name, container, since: new Date().toISOString(), ...(group ? { group } : {}), ...(until ? { until: until.toISOString() } : {}) } };
  }

  /** Whether a recorded fault still is: somebody may have started the machine by hand. A network is cut again, for a restart has mended it unseen. */
  private async holds({ fault, container, within }: Broken): Promise<boolean> {
    const [state] = await (within ? this.props.engine.inside(within) : this.props.engine).inspect([container]);
    if (fault === "stop" || fault === "kill") return state?.running === false;
    return (fault === "pause" || fault === "task-pause") && state?.paused === true;
  }

  /** Idempotent; a container that is gone needs no healing. */
  private async undo({ fault, container, within }: Broken): Promise<void> {
    const engine = within ? this.props.engine.inside(within) : this.props.engine;
    if (within && !(await this.props.engine.inspect([within]))[0]?.running) return;
    const [state] = await engine.inspect([container]);
    if (!state) return;
    if (fault === "pause" || fault === "task-pause") {
      if (state.paused) await engine.text(["unpause", container]);
    } else if (fault === "stop" || fault === "kill") {
      if (!state.running) await engine.text(["start", container]);
    } else if (state.running) {
      // A container that was stopped has lost its network, and the fault with it.
      if (isCrash(fault)) await engine.text(["exec", container, "systemctl", "start", CRASHED[fault]]);
      else await this.namespaces.run(container, fault === "slow" ? unslowScript : () => uncutScript(CHAIN[fault]));
    }
  }
}

const ORDER: readonly Fault[] = ["stop", "kill", "pause", "partition", "quorum", "cut-consul", "cut-nomad", "slow", "crash-consul", "crash-nomad", "task-pause"];
/** The unit whose process is killed. */
const CRASHED = { "crash-consul": "consul", "crash-nomad": "nomad" } as const;
const isCrash = (fault: string): fault is keyof typeof CRASHED => Object.hasOwn(CRASHED, fault);
const CHAIN = { partition: PARTITION_CHAIN, quorum: QUORUM_CHAIN, "cut-consul": CUT_CHAINS.consul, "cut-nomad": CUT_CHAINS.nomad } as const;
const HEALED: Readonly<Record<Fault, string>> = {
  stop: "started",
  kill: "started",
  pause: "goes on",
  partition: "back in the network",
  quorum: "reaches the other Nomad servers again",
  slow: "no longer slow",
  "cut-consul": "reaches Consul again",
  "cut-nomad": "reaches Nomad again",
  "crash-consul": "its Consul agent is started",
  "crash-nomad": "its Nomad agent is started",
  "task-pause": "its task goes on",
};
