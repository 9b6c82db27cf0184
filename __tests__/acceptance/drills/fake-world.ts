/** Two app nodes in memory: a double. Copies move when their node is emptied, everything answers while something of it runs, and a worker writes a row every second. */
import { JOBS } from "../../../contracts/services";
import type { InferenceWorld } from "../../../scripts/acceptance/drills/inference";
import type { Copy, Files } from "../../../scripts/acceptance/drills/world";
import type { Target } from "../../../scripts/acceptance/drills/watch";

const MOVING = [JOBS.api, JOBS.frontend, JOBS.rlService];
/** From the loss of a copy until it runs elsewhere. */
const PLACED_AFTER_MS = 2_000;

export class FakeWorld implements InferenceWorld {
  readonly appNodes = ["server-1", "server-2"];
  readonly dataNode = "server-1";
  time = 0;
  readonly closed = new Set<string>();
  readonly dead = new Set<string>();
  readonly said: string[] = [];
  worker: string | undefined = "server-2";
  private serial = 0;
  private list: (Copy & { from: number })[] = [];
  private readonly later: { at: number; act: () => void }[] = [];
  readonly content = new Map<string, string>();
  /** Until when Postgres, MinIO or Convex is away. */
  private awayUntil = 0;
  /** What is planted. */
  readonly planted: { stays?: string; gapMs?: number; neverOpens?: boolean; loses?: boolean; fails?: boolean; repeats?: boolean; bothFail?: boolean; rlStays?: boolean; neverBack?: boolean } = {};
  private trainings = 0;

  constructor() {
    for (const node of this.appNodes) for (const job of MOVING) this.place(job, node);
    for (const node of this.appNodes) this.place(JOBS.worker, node);
    for (const job of [JOBS.postgres, JOBS.objectstore, JOBS.convex]) this.place(job, this.dataNode);
  }

  private place(job: string, node: string, from = 0): void {
    this.list.push({ id: `${job}-${(this.serial += 1)}`, job, node, from });
  }

  readonly targets: readonly Target[] = ["server-1", "server-2"].map((node) => ({
    label: `API by ${node}`,
    // Somebody must run to answer: copies that are moved all at once leave nobody.
    ask: () => ((this.planted.fails && this.closed.size > 0) || !this.list.some(({ job, from }) => job === JOBS.api && from <= this.time) ? Promise.reject(new Error("answered 503")) : Promise.resolve()),
  }));

  copies = () => Promise.resolve(this.list.filter(({ from, node }) => from <= this.time && !this.dead.has(node)));
  workerNode = () => Promise.resolve(this.worker);
  private move(id: string): void {
    const copy = this.list.find((it) => it.id === id)!;
    if (copy.job === this.planted.stays) return;
    this.list = this.list.filter((it) => it !== copy);
    const other = this.appNodes.find((node) => !this.closed.has(node)) ?? this.dataNode;
    this.place(copy.job, other, this.time + PLACED_AFTER_MS);
    if (copy.job === JOBS.worker && this.worker === copy.node) this.worker = other;
  }
  async drain(node: string): Promise<void> {
    this.closed.add(node);
    for (const { id } of this.list.filter((copy) => copy.node === node && copy.job !== JOBS.postgres)) this.move(id);
  }
  close = (node: string) => Promise.resolve(void this.closed.add(node));
  open = (node: string) => {
    if (!this.planted.neverOpens) this.closed.delete(node);
    this.said.push(`opened ${node}`);
    return Promise.resolve();
  };
  stopCopy = (id: string) => Promise.resolve(this.move(id));
  restartCopy = (id: string) => {
    this.said.push(`restarted ${id.replace(/-\d+$/, "")}`);
    this.awayUntil = this.planted.neverBack ? Infinity : this.time + 3_000;
    if (this.planted.loses) this.content.delete([...this.content.keys()].at(-1)!);
    return Promise.resolve();
  };
  longestIngestionGap = () => Promise.resolve(this.planted.gapMs ?? 1_500);

  readonly files: Files = {
    store: (content) => {
      if (this.time < this.awayUntil) return Promise.reject(new Error("Convex answered 503"));
      const id = `file-${(this.serial += 1)}`;
      this.content.set(id, content);
      return Promise.resolve(id);
    },
    fetch: (id) => (this.time < this.awayUntil ? Promise.reject(new Error("Convex answered 503")) : Promise.resolve(this.content.get(id))),
    remove: (id) => Promise.resolve(void this.content.delete(id)),
  };

  infer = () => (this.dead.size > 0 && this.time < this.lostAt + (this.planted.rlStays ? 60_000 : 2_000) ? Promise.reject(new Error("no answer")) : Promise.resolve());
  private lostAt = Infinity;
  /** The first is on the data node, the second on the other one. */
  train = async (): Promise<void> => {
    const number = (this.trainings += 1);
    await this.until(() => this.time >= 20_000 || this.dead.size > 0);
    if (this.planted.bothFail || (number === 2 && !this.planted.repeats)) throw new Error("the connection was closed");
  };
  kill = (node: string) => {
    this.dead.add(node);
    this.lostAt = this.time;
    return Promise.resolve();
  };
  heal = (node: string) => Promise.resolve(void this.dead.delete(node));

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.clock.wait(100);
  }

  /** Time goes on only when everybody waits, to the next one's moment. */
  readonly clock = {
    now: () => this.time,
    wall: () => Date.parse("2026-01-01T12:00:00Z") + this.time,
    wait: (ms: number) =>
      new Promise<void>((resolve) => {
        this.later.push({ at: this.time + Math.max(1, ms), act: resolve });
        setImmediate(() => this.tick());
      }),
  };
  private tick(): void {
    const next = this.later.sort((a, b) => a.at - b.at).shift();
    if (!next) return;
    this.time = Math.max(this.time, next.at);
    next.act();
  }
}
