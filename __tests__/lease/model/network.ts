/** What lies between a contender and Consul: delay, loss, cuts, 500s, requests that take effect twice, late, or without an answer. */
import type { Answer, Consul, Request } from "./consul";
import { Timeline } from "./timeline";

export interface Weather {
  /** Chance of a message to be lost, to be slow, of a request to be answered 500 (half of those take effect), and to arrive twice. */
  readonly loss: number;
  readonly slow: number;
  readonly errors: number;
  readonly twice: number;
}

export const CALM: Weather = { loss: 0, slow: 0, errors: 0, twice: 0 };
/** Longest way of a message in calm weather, milliseconds. */
export const CALM_MS = 20;
/** Longest a slow message takes: longer than a request is waited for. */
const SLOW_MS = 6_000;

export type Direction = "both" | "there" | "back";

export class Network {
  private cutUntil = { there: 0, back: 0 };

  /** @param calmFrom from then on the weather is calm, and all that is still on its way has arrived */
  constructor(private readonly timeline: Timeline, private readonly consul: Consul, private readonly contender: number, private readonly weather: Weather, private readonly calmFrom: number, private readonly luck: () => number) {}

  cut(forMs: number, direction: Direction): void {
    const until = Math.min(this.timeline.now + forMs, this.calmFrom);
    if (direction !== "back") this.cutUntil.there = Math.max(this.cutUntil.there, until);
    if (direction !== "there") this.cutUntil.back = Math.max(this.cutUntil.back, until);
  }

  /** @param answered may never be called */
  send(request: Request, answered: (answer: Answer) => void): void {
    const deliver = (back: (answer: Answer) => void) => this.carry("there", () => {
      const fails = this.is(this.weather.errors);
      const answer: Answer | undefined = fails && this.luck() < 0.5 ? { status: 500 } : this.consul.handle(this.contender, request);
      if (answer !== undefined) this.carry("back", () => back(fails ? { status: 500 } : answer));
    });
    deliver(answered);
    if (this.is(this.weather.twice)) deliver(() => undefined);
  }

  private carry(direction: "there" | "back", arrive: () => void): void {
    const { now } = this.timeline;
    const calm = 0.5 + this.luck() * (CALM_MS - 0.5);
    const delay = this.is(this.weather.slow) ? calm + this.luck() ** 2 * SLOW_MS : calm;
    if (now < this.cutUntil[direction] || this.is(this.weather.loss)) return;
    this.timeline.at(now < this.calmFrom ? Math.min(now + delay, this.calmFrom + calm) : now + calm, arrive);
  }

  private is(chance: number): boolean {
    return chance > 0 && this.timeline.now < this.calmFrom && this.luck() < chance;
  }
}
