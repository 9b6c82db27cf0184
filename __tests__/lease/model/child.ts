/** Everything that one wrapper started: it runs while any of it is alive and the machine is not frozen. */
import { Timeline } from "./timeline";

export interface ChildHabits {
  /** Milliseconds from SIGTERM until it ends, null: it ignores the signal. */
  readonly endsAfterMs: number | null;
  /** Milliseconds a kill takes until everything is dead. */
  readonly killMs: number;
  /** It started a process that only a kill ends. */
  readonly detaches: boolean;
  readonly code: number;
}

export class Child {
  alive = false;
  /** Whether the process itself, and not only what it detached, is there. */
  private process = false;
  frozenTotal = 0;
  private frozenUntil = 0;
  generation = 0;
  private dying = false;

  constructor(private readonly timeline: Timeline, private readonly habits: ChildHabits, private readonly changed: () => void, private readonly news: { exited(code: number): void; dead(): void }) {}

  get running(): boolean {
    return this.alive && this.timeline.now >= this.frozenUntil;
  }

  /** Whether the worker itself runs, which trades: not only what it detached. */
  get trading(): boolean {
    return this.process && this.running;
  }

  /** How long it will stand still from now. */
  get frozenForMs(): number {
    return Math.max(0, this.frozenUntil - this.timeline.now);
  }

  start(): void {
    this.alive = this.process = true;
    this.dying = false;
    this.generation += 1;
    this.changed();
  }

  terminate(): void {
    if (this.habits.endsAfterMs !== null) this.later(this.habits.endsAfterMs, () => this.exit(this.habits.code));
  }

  exit(code: number): void {
    if (!this.process) return;
    this.process = false;
    if (!this.habits.detaches) this.vanish();
    this.news.exited(code);
  }

  /** The kernel's timer has run out: the worker itself is dead at once, though everything stands still. */
  fence(): void {
    this.exit(137);
    this.changed();
  }

  kill(): void {
    if (this.dying) return;
    this.dying = true;
    // Dead a little before it is known to be.
    this.later(this.habits.killMs * 0.9, () => {
      const exited = this.process;
      this.process = false;
      this.vanish();
      if (exited) this.news.exited(137);
    });
    this.later(this.habits.killMs, () => {
      this.dying = false;
      this.news.dead();
    });
  }

  /** The wrapper was killed with -9: the kernel ends the rest with it. */
  crash(): void {
    this.process = false;
    this.generation += 1;
    this.vanish();
  }

  freeze(until: number): void {
    this.frozenTotal += until - this.timeline.now;
    this.frozenUntil = until;
    this.changed();
    this.timeline.at(until, this.changed);
  }

  private vanish(): void {
    if (!this.alive) return;
    this.alive = false;
    this.changed();
  }

  /** In the child's own time, which stands still while it is frozen. */
  private later(ms: number, action: () => void, generation = this.generation): void {
    const frozen = this.frozenTotal;
    this.timeline.after(ms, () => {
      if (generation !== this.generation) return;
      if (this.frozenTotal > frozen) this.later(this.frozenTotal - frozen, action, generation);
      else action();
    });
  }
}
