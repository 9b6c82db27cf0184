/**
 * `gvfx drill inference`: an app node is lost while the RL service infers and trains. What was in flight there fails
 * where the caller sees it, and is not repeated (an inference that is asked twice may trade twice); all else goes on.
 */
import { fail, pass } from "../../doctor/check";
import type { Checked } from "../result";
import { within, type DrillOutcome } from "./failover";
import { figuresOf, laneOf, longestOutage, watch, type Target } from "./watch";
import type { DrillWorld } from "./world";
import { JOBS } from "../../../contracts/services";

export interface InferenceWorld extends DrillWorld {
  /** One inference by the gateway of a node. @throws Error when it fails */
  infer(gateway: string): Promise<void>;
  /** One training of some seconds by the gateway of a node. @throws Error when it fails */
  train(gateway: string): Promise<void>;
  /** Ends a node without a word. */
  kill(node: string): Promise<void>;
  /** Starts it again. */
  heal(node: string): Promise<void>;
}

/** Three checks of HAProxy a second apart, and one question that waits for the first of them (docs/decisions/0002-gateway.md). */
const OUTAGE_MS = 10_000;
/** Until a training has reached its copy, and the gateway counts it. */
const APART_MS = 500;
/** Answers before the loss, which show that all is well. */
const BEFORE_LOSS_MS = 3_000;
/** As long as Nomad needs to miss a node, and its copy to be placed or the node to be back. */
const BACK_WITHIN_MS = 180_000;

/** The node without the data is lost: its gateway with it, so that the other one is asked. */
export async function inference(world: InferenceWorld, say: (line: string) => void, signal: AbortSignal): Promise<DrillOutcome> {
  const { clock, appNodes, dataNode } = world;
  const began = clock.now();
  const lost = appNodes.find((node) => node !== dataNode)!;
  const before = (await world.copies()).filter(({ job }) => job === JOBS.rlService);
  if (!before.some(({ node }) => node === lost) || !before.some(({ node }) => node === dataNode)) return { checks: [{ id: "before", title: "a copy of the RL service on each app node", outcome: fail(`they are on ${before.map(({ node }) => node).join(", ") || "no node"}`, before.length < 2 ? `see why one of its copies does not run: gvfx why ${JOBS.rlService}` : `stop one of them, and Nomad places it on the other node: nomad alloc stop ${before[0].id}`) }], figures: [], lanes: [] };
  const inferences: Target = { label: `inference by ${dataNode}'s gateway`, ask: () => world.infer(dataNode) };
  // The first one needs a model, whose training must not be among those that count.
  const unable = await world.infer(dataNode).then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error)));
  if (unable !== undefined) return { checks: [{ id: "before", title: "the RL service infers", outcome: fail(unable, `see why: gvfx why ${JOBS.rlService}`) }], figures: [], lanes: [] };
  // Two at once go to two copies: the gateway gives a call to the copy with fewer. Nothing else is asked meanwhile.
  const trainings: Promise<string | undefined>[] = [];
  for (let n = 0; n < 2; n++) {
    trainings.push(world.train(dataNode).then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error))));
    await clock.wait(APART_MS);
  }
  const over = new AbortController();
  const watching = watch([inferences], { everyMs: 100, signal: AbortSignal.any([over.signal, signal]), now: clock.now, wait: clock.wait });
  const checks: Checked[] = [];
  const faults: { from: number; to: number; kind: "fault"; what: string }[] = [];
  try {
    await clock.wait(BEFORE_LOSS_MS);
    signal.throwIfAborted();
    say(`${lost}: killed`);
    const from = clock.now() - began;
    await world.kill(lost);
    const ended = await Promise.all(trainings);
    const failed = ended.filter((failure) => failure !== undefined);
    checks.push({ id: "training", title: "of two trainings, the one on the lost node fails where its caller sees it, and the other ends well", outcome: failed.length === 1 ? pass(`one ended well, one failed: ${failed[0]}`) : fail(failed.length === 0 ? "both ended well: one was repeated, or none was on the lost node" : `both failed: ${failed.join("; ")}`, "see the log of the RL service and of the gateway on the other node") });
    await world.heal(lost);
    faults.push({ from, to: clock.now() - began, kind: "fault", what: `${lost} lost` });
    checks.push({ id: "back", title: "the RL service has as many copies as before", outcome: await within(world, signal, async () => ((await world.copies()).filter(({ job }) => job === JOBS.rlService).length >= before.length ? [] : ["a copy is missing"]), BACK_WITHIN_MS) });
  } finally {
    await world.heal(lost).catch(() => undefined);
    over.abort();
  }
  const [watched] = await watching;
  const outage = longestOutage(watched);
  const bad = watched.samples.filter(({ failure }) => failure !== undefined);
  checks.push({ id: "inference", title: "inference goes on by the other copy", outcome: outage <= OUTAGE_MS ? pass(`${watched.samples.length - bad.length} of ${watched.samples.length} answered, at most ${Math.round(outage)} ms without an answer`) : fail(`${Math.round(outage)} ms without an answer (${bad[0]?.failure ?? "slow"}), and ${OUTAGE_MS} ms are allowed`, "see the gateway's checks") });
  return { checks, figures: figuresOf([watched], OUTAGE_MS), lanes: [{ label: "done on purpose", stretches: faults }, laneOf(watched)] };
}
