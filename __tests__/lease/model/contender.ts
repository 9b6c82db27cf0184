/** One wrapper with its child: the real protocol, with a modelled shell of clock, requests and processes around it. */
import { Child, type ChildHabits } from "./child";
import type { Owner } from "./consul";
import type { Network } from "./network";
import type { Effect, News, Protocol, Settings, State } from "./protocol-source";
import { Requests } from "./requests";
import { Timeline } from "./timeline";
import { FENCE_ROUNDING_MS, RESUME_MS, TICK_MS, TIMING } from "./timing";

export interface ContenderSettings {
  readonly owner: Owner;
  /** Rate of its clock against Consul's, 1 is the same. */
  readonly rate: number;
  readonly child: ChildHabits;
  readonly cannotStart: boolean;
}

/** Whether a timer in the kernel ends the worker at its deadline. */
export type FenceKind = "works" | "none" | "broken";

type Waiting = "effect" | "tick" | "exited" | "dead" | "other";

export interface Shell {
  readonly timeline: Timeline;
  readonly protocol: Protocol;
  readonly network: Network;
  readonly luck: () => number;
  readonly fence: FenceKind;
  /** Planted defect: a renewal is not followed by a consistent read. */
  readonly trustsRenewals?: boolean;
  changed(): void;
  exited(): void;
  violated(what: string): void;
  /** Called for what it says only when somebody reads along. */
  log(what: () => string): void;
}

export class Contender {
  /** Instants in which what its worker left behind may run though another's does: it was frozen through its own deadline and its wrapper is not back yet. */
  readonly excused: { from: number; to: number }[] = [];
  readonly child: Child;
  gone = false;
  frozenUntil = 0;
  lastProof = -Infinity;
  private readonly requests: Requests;
  private state: State;
  private readonly settings: Settings;
  private thawAt = 0;
  /** Milliseconds that its clock stood still. */
  private unseen = 0;
  /** What waits for the wrapper while it is frozen. */
  private inbox: { what: Waiting; action: () => void }[] = [];
  private ordered = { stop: false, signalled: false, exit: null as number | null };
  private readonly traps: { readonly effect: Effect["type"]; readonly afterMs: number; readonly action: () => void }[] = [];

  constructor(readonly name: string, readonly traits: ContenderSettings, private readonly shell: Shell) {
    this.settings = { owner: traits.owner, timing: TIMING };
    this.requests = new Requests({
      timeline: shell.timeline,
      network: shell.network,
      timeoutMs: TIMING.requestTimeoutMs / traits.rate,
      trustsRenewalsUnder: shell.trustsRenewals ? traits.owner : undefined,
      clock: () => this.clock(),
      whenAwake: (action) => this.whenAwake("other", action),
      answered: (news) => this.receive(news),
    });
    this.child = new Child(shell.timeline, traits.child, () => shell.changed(), {
      exited: (code) => this.whenAwake("exited", () => {
        // What the exit code has to be: the child's, if it ended by itself or after the order to stop.
        if (this.ordered.stop || !this.ordered.signalled) this.ordered.exit = code;
        this.receive({ type: "child-exited", code });
      }),
      dead: () => this.whenAwake("dead", () => this.receive({ type: "dead" })),
    });
    this.state = shell.protocol.initial(this.clock());
    this.tick();
  }

  get phase(): string {
    return this.state.phase;
  }

  private clock(): number {
    return 1_000_000 + (this.shell.timeline.now - this.unseen) * this.traits.rate;
  }

  private tick(): void {
    if (this.gone) return;
    // Ticks that were missed come as one.
    if (!this.inbox.some(({ what }) => what === "tick")) this.whenAwake("tick", () => this.receive({ type: "tick" }));
    this.shell.timeline.after(TICK_MS / this.traits.rate, () => this.tick());
  }

  private receive(news: News): void {
    if (this.gone) return;
    const event = { ...news, at: this.clock() };
    if (event.type === "renewed" || event.type === "session-created") this.lastProof = Math.max(this.lastProof, (event.sentAt - 1_000_000) / this.traits.rate);
    const { state, effects } = this.shell.protocol.step(this.settings, this.state, event);
    const { phase } = this.state;
    if (event.type !== "tick" || effects.length > 0) this.shell.log(() => `${this.name} ${phase} + ${JSON.stringify(news)} -> ${state.phase} ${JSON.stringify(effects)}`);
    const told = state.renewedAt > this.state.renewedAt;
    this.state = state;
    if (told) this.fence();
    for (const effect of effects) {
      for (const trap of this.traps.filter((each) => each.effect === effect.type)) {
        this.traps.splice(this.traps.indexOf(trap), 1);
        if (trap.afterMs === 0) trap.action();
        else this.shell.timeline.after(trap.afterMs, trap.action);
      }
      this.whenAwake("effect", () => this.perform(effect));
    }
  }

  /** The kernel ends the worker at the deadline, frozen or not; a clock that stood still moves it. */
  private fence(): void {
    const { renewedAt } = this.state;
    const { generation } = this.child;
    const leftMs = renewedAt + TIMING.killAfterMs + FENCE_ROUNDING_MS - this.clock();
    this.shell.timeline.after(Math.max(0, leftMs) / this.traits.rate, () => {
      if (this.gone || this.shell.fence !== "works" || this.state.renewedAt !== renewedAt || !this.child.alive || this.child.generation < generation) return;
      if (renewedAt + TIMING.killAfterMs > this.clock()) return this.fence();
      this.ordered.signalled = true;
      this.child.fence();
    });
  }

  private perform(effect: Effect): void {
    if (this.gone) return;
    switch (effect.type) {
      case "start":
        return this.startChild();
      case "signal":
        this.ordered.signalled = true;
        return this.child.terminate();
      case "kill":
        this.ordered.signalled = true;
        return this.child.kill();
      case "exit":
        return this.exit(effect.code);
      default:
        return this.requests.perform(effect);
    }
  }

  private startChild(): void {
    if (this.child.alive) this.shell.violated(`${this.name} starts a second child`);
    if (this.ordered.exit !== null || this.ordered.stop) this.shell.violated(`${this.name} starts a child, and was to exit`);
    this.ordered.signalled = false;
    if (this.traits.cannotStart) {
      this.ordered.exit = this.shell.protocol.CANNOT_START;
      this.shell.timeline.after(1, () => this.whenAwake("other", () => this.receive({ type: "start-failed" })));
    } else this.child.start();
  }

  private exit(code: number): void {
    this.gone = true;
    if (this.child.alive) this.shell.violated(`${this.name} exits while its child is alive`);
    const expected = this.ordered.exit ?? (this.ordered.stop ? 0 : undefined);
    if (code !== expected) this.shell.violated(`${this.name} exits with ${code}, not ${expected ?? "at all"}`);
    this.shell.exited();
  }

  stop(signal: string): void {
    this.whenAwake("other", () => {
      this.ordered.stop = true;
      this.receive({ type: "stop", signal });
    });
  }

  crash(): void {
    this.gone = true;
    this.child.crash();
  }

  /** The whole machine stands still; afterwards the child may run for a while before the wrapper does. @param unseen its clock stands still too */
  pause(forMs: number, unseen = false): void {
    const { timeline, luck } = this.shell;
    // One that the wrapper has not got over yet is not joined by another.
    if (this.gone || forMs <= 0 || timeline.now < this.thawAt) return;
    const until = timeline.now + forMs;
    this.frozenUntil = until;
    this.thawAt = until + luck() * RESUME_MS;
    this.child.freeze(until);
    if (unseen) timeline.at(until, () => (this.unseen += forMs));
    else timeline.at(until, () => {
      if ((until - this.lastProof) * this.traits.rate >= TIMING.killAfterMs) this.excused.push({ from: until, to: this.thawAt + this.traits.child.killMs });
    });
    timeline.at(this.thawAt, () => this.thaw());
  }

  /** Calls `action` the next time the protocol says `effect`: before it is done, for 0, or a while after. */
  when(effect: Effect["type"], afterMs: number, action: () => void): void {
    this.traps.push({ effect, afterMs, action });
  }

  private whenAwake(what: Waiting, action: () => void): void {
    if (this.gone) return;
    if (this.shell.timeline.now < this.thawAt) this.inbox.push({ what, action });
    else action();
  }

  /** The program goes on where it stood; then timers, answers and signals that waited come in any order, but that a child's end is told before its death. */
  private thaw(): void {
    const effects = this.inbox.filter(({ what }) => what === "effect");
    const waiting = this.inbox.filter(({ what }) => what !== "effect");
    this.inbox = [];
    for (let i = waiting.length - 1; i > 0; i--) {
      const j = Math.floor(this.shell.luck() * (i + 1));
      [waiting[i], waiting[j]] = [waiting[j], waiting[i]];
    }
    const [exited, dead] = [waiting.findIndex(({ what }) => what === "exited"), waiting.findIndex(({ what }) => what === "dead")];
    if (dead >= 0 && dead < exited) [waiting[exited], waiting[dead]] = [waiting[dead], waiting[exited]];
    for (const { what, action } of [...effects, ...waiting]) this.whenAwake(what, action);
  }
}
