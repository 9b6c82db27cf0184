/** Runs one schedule and says what it violated. */
import type { Child } from "./child";
import { Consul, type Owner } from "./consul";
import { Contender, type ContenderSettings, type FenceKind } from "./contender";
import { CALM_MS, Network } from "./network";
import type { Protocol } from "./protocol-source";
import { CALM_FROM_MS, type Fault, type Pause, type Schedule } from "./schedule";
import { Roll } from "./roll";
import { Timeline, luck } from "./timeline";
import { DRIFT, RESUME_MS, TICK_MS, TIMING } from "./timing";

/** A few renewals: to see that the lease is free, to take it, and to be refused once while the lock-delay ends. */
export const FEW_RENEWALS_MS = 4 * (TIMING.renewEveryMs + TICK_MS) + 10 * CALM_MS;
/** After the last fault: a session that nobody renews ends, its lock-delay passes, somebody takes the lease; or a child of the other side is drained. */
export const RECOVERY_MS = Math.max(2 * TIMING.ttlMs + TIMING.lockDelayMs, TIMING.stopGraceMs + TIMING.deadAfterMs) + TIMING.requestTimeoutMs + FEW_RENEWALS_MS;
/** A child outlives the change of the owner key by this at most: its wrapper hears of it before its deadline, and then grants it the grace of a stop. */
export const OUTLIVES_OWNER_MS = TIMING.killAfterMs + TIMING.stopGraceMs + (TIMING.deadAfterMs - TIMING.killAfterMs) + TICK_MS;

export interface Defects {
  readonly protocol: Protocol;
  readonly lockDelayMs?: number;
  readonly ignoresIndex?: boolean;
  readonly trustsRenewals?: boolean;
  /** "none": set so, and what the worker does before its wrapper wakes is excused; "broken": not set so. @default "works" */
  readonly fence?: FenceKind;
}

export class Simulation {
  readonly timeline = new Timeline();
  readonly consul: Consul;
  readonly contenders: Contender[] = [];
  readonly networks: Network[] = [];
  readonly violations: string[] = [];
  readonly roll: Roll;
  readonly deletedAt: number[] = [];
  /** When Consul had a leader again. */
  readonly returnedAt: number[] = [];
  readonly lines: string[] = [];
  private ownerChanges = 0;

  constructor(readonly schedule: Schedule, private readonly defects: Defects, private readonly options: { readonly traced?: boolean; readonly calmFrom?: number } = {}) {
    this.consul = new Consul(this.timeline, { ttlMs: TIMING.ttlMs, lockDelayMs: defects.lockDelayMs ?? TIMING.lockDelayMs, ignoresIndex: defects.ignoresIndex }, schedule.owner);
    this.consul.granted = (contender, session) => {
      const { name, traits } = this.contenders[contender];
      this.log(() => `${name} got the lease with session ${session}`);
      if (traits.owner !== this.consul.owner) this.violations.push(`${this.at()} ${name} got the lease, the owner is ${this.consul.owner}`);
    };
    this.roll = new Roll(this.timeline, this.contenders, defects.fence === "none", (what) => this.log(what));
    schedule.contenders.forEach((settings) => this.timeline.at(settings.arrivesAt, () => this.arrive(settings)));
    for (const fault of schedule.faults) this.timeline.at(fault.at, () => this.inflict(fault));
  }

  private get calmFrom(): number {
    return this.options.calmFrom ?? CALM_FROM_MS;
  }

  arrive(settings: ContenderSettings): void {
    const number = this.contenders.length;
    const { timeline } = this;
    const network = new Network(timeline, this.consul, number, this.schedule.weather, this.calmFrom, luck(this.schedule.seed, 2 * number));
    this.networks.push(network);
    this.contenders.push(new Contender(`${settings.owner}-${number}`, settings, {
      timeline,
      network,
      protocol: this.defects.protocol,
      luck: luck(this.schedule.seed, 2 * number + 1),
      trustsRenewals: this.defects.trustsRenewals,
      fence: this.defects.fence ?? "works",
      changed: () => this.roll.call(),
      exited: () => this.timeline.now >= this.calmFrom && this.supervise(),
      violated: (what) => this.violations.push(`${this.at()} ${what}`),
      log: (what) => this.log(what),
    }));
  }

  /** Everything to the end: faults, recovery, and a while in which nothing may happen any more. */
  run(): this {
    this.timeline.run(this.calmFrom);
    this.log(() => "calm from here");
    this.supervise();
    const { owner } = this.consul;
    this.timeline.run(this.calmFrom + RECOVERY_MS * (1 + DRIFT));
    const { roll } = this;
    const [only] = roll.running;
    if (roll.running.length !== 1) this.violations.push(`${this.at()} ${roll.running.length} children run ${RECOVERY_MS} ms after the last fault`);
    else if (only.traits.owner !== owner) this.violations.push(`${this.at()} a child of ${only.name} runs, the owner is ${owner}`);
    this.timeline.run(this.timeline.now + 15_000);
    if (roll.running.length !== 1 || roll.running[0] !== only) this.violations.push(`${this.at()} the worker was disturbed without a fault`);
    roll.call();
    for (const { from, to, who, excused } of roll.overlaps) if (!excused) this.violations.push(`${who.map(({ name }) => name).join(" and ")} ran at once for ${Math.round(to - from)} ms from ${Math.round(from)}`);
    return this;
  }

  /** Whoever supervises the owner's side starts a contender where there is none left, as Nomad and systemd do. */
  private supervise(): void {
    const { owner } = this.consul;
    if (this.contenders.some((contender) => !contender.gone && contender.traits.owner === owner && !contender.traits.cannotStart)) return;
    this.arrive({ owner, rate: 1, cannotStart: false, child: { endsAfterMs: 100, killMs: 100, detaches: false, code: 0 } });
  }

  private target(who: number): Contender | undefined {
    return (who === 0 && this.roll.running[0]) || this.contenders[who % Math.max(1, this.contenders.length)];
  }

  private inflict(fault: Fault): void {
    this.log(() => JSON.stringify(fault));
    const remaining = this.calmFrom - this.timeline.now;
    const target = "who" in fault ? this.target(fault.who) : undefined;
    const forMs = "forMs" in fault ? Math.min(fault.forMs, remaining) : 0;
    switch (fault.type) {
      case "pause": return target && this.pause(target, fault);
      case "pause-on": return target?.when(fault.effect, fault.afterMs, () => this.pause(target, fault));
      case "cut":
        if (target) this.networks[this.contenders.indexOf(target)].cut(forMs, fault.direction);
        if (fault.endsSession) this.consul.endHolder();
        return;
      case "end-session": return this.consul.endHolder();
      case "delete-key":
        this.deletedAt.push(this.timeline.now);
        return this.consul.deleteKey();
      case "servers-away":
      case "election":
        this.timeline.after(forMs, () => this.returnedAt.push(this.timeline.now));
        return this.consul.loseLeader(forMs, fault.type === "servers-away" ? { silent: true } : { staleMs: Math.min(fault.staleMs, remaining), contenders: fault.contenders });
      case "owner": return this.changeOwner(fault.to);
      case "owner-on": return target?.when(fault.effect, fault.afterMs, () => this.timeline.now < this.calmFrom && this.changeOwner(fault.to));
      case "stop": return target?.stop("SIGTERM");
      case "crash": return target?.crash();
      case "child-exit": return target?.child.exit(fault.code);
    }
  }

  private pause(contender: Contender, { forMs, deafMs, endsSession, unseen }: Pause): void {
    const ms = Math.min(forMs, this.calmFrom - this.timeline.now);
    if (ms <= 0) return;
    contender.pause(ms, unseen);
    this.timeline.after(ms, () => this.networks[this.contenders.indexOf(contender)].cut(deafMs, "both"));
    // What it asked before may still be answered, to be read when it is awake again.
    if (endsSession) this.timeline.at(Math.min(this.timeline.now + 4 * CALM_MS, this.calmFrom), () => this.consul.endHolder());
  }

  private changeOwner(to: Owner): void {
    const before = this.consul.owner;
    this.consul.setOwner(to);
    if (this.consul.owner === before) return;
    this.ownerChanges += 1;
    this.log(() => `the owner is ${to}`);
    for (const { child, name, traits } of this.contenders) if (child.alive && traits.owner === before) this.watchDrain(name, child, OUTLIVES_OWNER_MS * (1 + DRIFT) + child.frozenForMs);
  }

  private watchDrain(name: string, child: Child, ms: number): void {
    const { ownerChanges } = this;
    const { generation, frozenTotal } = child;
    this.timeline.after(ms, () => {
      if (!child.alive || child.generation !== generation || this.ownerChanges !== ownerChanges) return;
      // What it was frozen for is not counted, and each pause may end with the child awake before its wrapper.
      if (child.frozenTotal > frozenTotal) this.watchDrain(name, child, child.frozenTotal - frozenTotal + RESUME_MS);
      else this.violations.push(`${this.at()} the child of ${name} outlived its owner key by ${Math.round(ms)} ms`);
    });
  }

  private at(): string {
    return `at ${Math.round(this.timeline.now)} ms:`;
  }

  log(what: () => string): void {
    if (this.options.traced) this.lines.push(`${(this.timeline.now / 1000).toFixed(3).padStart(8)} ${what()}`);
  }
}
