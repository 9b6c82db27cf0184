import { Engine, type ContainerState, type EngineAnswer } from "../../../scripts/lab/engine";

const ok = (output = ""): EngineAnswer => ({ status: 0, output, complaint: "" });

/** A double of the engine: containers in memory, every call kept. */
export class EngineDouble extends Engine {
  readonly calls: string[] = [];
  /** Answers of calls that begin so, instead of the double's own. */
  readonly answers = new Map<string, EngineAnswer>();
  private readonly containers = new Map<string, ContainerState>();
  private readonly inner = new Map<string, EngineDouble>();

  constructor(names: readonly string[] = [], network = "gvfx-lab") {
    super(["no-such-program"]);
    names.forEach((name, i) => this.containers.set(name, { id: `id-${name}`, name, running: true, paused: false, restarts: 0, exitCode: 0, startedAt: "2026-01-01T00:00:00Z", health: undefined, networks: [{ name: network, address: `100.127.0.${i + 2}`, prefixLength: 24, gateway: "100.127.0.1" }] }));
  }

  set(name: string, change: Partial<ContainerState>): void {
    this.containers.set(name, { ...this.containers.get(name)!, ...change });
  }

  remove(name: string): void {
    this.containers.delete(name);
  }

  /** The engine inside a container. */
  override inside(container: string): EngineDouble {
    const inner = this.inner.get(container) ?? new EngineDouble();
    this.inner.set(container, inner);
    return inner;
  }

  place(names: readonly string[]): this {
    for (const [name, state] of new EngineDouble(names).containers) this.containers.set(name, state);
    return this;
  }

  override async call(args: readonly string[]): Promise<EngineAnswer> {
    const line = args.join(" ");
    this.calls.push(line);
    for (const [start, answer] of this.answers) if (line.startsWith(start)) return answer;
    const [verb, name] = args;
    if (verb === "container") return this.inspectAll(args.slice(2));
    if (verb === "ps") return ok([...this.containers.values()].filter(({ running }) => running).map((it) => `${it.id} ${it.name}`).join("\n"));
    if (verb === "run") return ok();
    if (!this.containers.has(name)) return { status: 1, output: "", complaint: `Error: No such container: ${name}` };
    const changes: Readonly<Record<string, Partial<ContainerState>>> = { stop: { running: false }, kill: { running: false }, start: { running: true }, restart: { startedAt: "2026-01-01T00:01:00Z" }, pause: { paused: true }, unpause: { paused: false } };
    this.set(name, changes[verb] ?? {});
    return ok(name);
  }

  private inspectAll(names: readonly string[]): EngineAnswer {
    const found = names.flatMap((name) => this.containers.get(name) ?? []);
    const output = JSON.stringify(
      found.map((it) => ({
        Id: it.id,
        Name: `/${it.name}`,
        RestartCount: it.restarts,
        State: { Running: it.running, Paused: it.paused, ExitCode: it.exitCode, StartedAt: it.startedAt, ...(it.health ? { Health: { Status: it.health } } : {}) },
        NetworkSettings: { Networks: Object.fromEntries(it.networks.map((net) => [net.name, { IPAddress: net.address, IPPrefixLen: net.prefixLength, Gateway: net.gateway }])) },
      })),
    );
    return found.length === names.length ? ok(output) : { status: 1, output, complaint: "Error: No such container" };
  }
}
