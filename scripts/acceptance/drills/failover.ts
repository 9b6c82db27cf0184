/** `gvfx drill failover`: an app node is emptied, then the node of the worker; everything must run on the other one, and come back. */
import { JOBS } from "../../../contracts/services";
import { fail, pass, type Outcome } from "../../doctor/check";
import type { Checked, Figure, Lane } from "../result";
import { figuresOf, laneOf, longestOutage, watch } from "./watch";
import type { Copy, DrillWorld } from "./world";

/** What moves: the data plane is pinned to its node, and system jobs are on both. */
const MOVES: readonly string[] = [JOBS.api, JOBS.frontend, JOBS.rlService, JOBS.worker];
/** A planned hand-over of the worker, and the second by which its rows come apart. */
const WORKER_GAP_MS = 6_000;
/** A drain waits for calls in flight; nobody trains while this is drilled. */
const WITHIN_MS = 180_000;
const LOOK_EVERY_MS = 1_000;
/** Of a copy that has taken another one's place, until the gateways know it: what Nomad's own drain waits (migrate.min_healthy_time of the jobs). */
const SETTLES_MS = 10_000;

export interface DrillOutcome {
  readonly checks: readonly Checked[];
  readonly figures: readonly Figure[];
  readonly lanes: readonly Lane[];
}

/** @param signal ends it: what was closed is opened again */
export async function failover(world: DrillWorld, say: (line: string) => void, signal: AbortSignal): Promise<DrillOutcome> {
  const { clock, appNodes, dataNode } = world;
  const began = clock.now();
  const before = await world.copies();
  const missing = MOVES.filter((job) => before.filter((copy) => copy.job === job).length === 0);
  const ill = [
    ...(missing.length > 0 ? [`nothing runs of ${missing.join(", ")}`] : []),
    ...((await world.workerNode()) === undefined ? ["nobody holds the worker's lease"] : []),
    ...(await Promise.all(world.targets.map(({ label, ask }) => ask(signal).then(() => [], (error: unknown) => [`${label}: ${error instanceof Error ? error.message : String(error)}`])))).flat(),
  ];
  if (ill.length > 0) return { checks: [{ id: "before", title: "all is well before", outcome: fail(ill.join("; "), "mend that first, or wait: a drill shows what a failure does to what is well") }], figures: [], lanes: [] };
  const over = new AbortController();
  const watching = watch(world.targets, { signal: AbortSignal.any([over.signal, signal]), now: clock.now, wait: clock.wait });
  const checks: Checked[] = [];
  const faults: { from: number; to: number; kind: "fault"; what: string }[] = [];
  const gaps: Figure[] = [];
  try {
    const spare = appNodes.find((node) => node !== dataNode)!;
    const acts: readonly { readonly id: string; readonly node: () => Promise<string> }[] = [
      { id: "drained", node: () => Promise.resolve(spare) },
      { id: "worker-node", node: async () => (await world.workerNode()) ?? spare },
    ];
    for (const { id, node: which } of acts) {
      signal.throwIfAborted();
      const node = await which();
      const [from, since] = [clock.now() - began, clock.wall()];
      say(`${node}: emptied`);
      const outcome = await emptied(world, node, signal);
      checks.push({ id, title: `${node} is emptied, and everything runs on the other node`, outcome });
      await world.open(node);
      faults.push({ from, to: clock.now() - began, kind: "fault", what: `${node} emptied` });
      checks.push({ id: `${id}-back`, title: `after ${node} is open again, every job has as many copies as before`, outcome: await within(world, signal, async () => lacking(before, await world.copies())) });
      const gap = await world.longestIngestionGap(since);
      gaps.push({ title: `${node} emptied: longest time without a row of the worker`, value: Math.round(gap), unit: "ms", atMost: WORKER_GAP_MS });
    }
  } finally {
    // Whatever happened: a node that stays closed is a failure that nobody sees until the next one.
    for (const node of appNodes) await world.open(node).catch(() => undefined);
    over.abort();
  }
  const watched = await watching;
  const failed = watched.flatMap(({ label, samples }) => samples.filter(({ failure }) => failure !== undefined).map(({ failure }) => `${label}: ${failure}`));
  const asked = watched.reduce((sum, { samples }) => sum + samples.length, 0);
  checks.push({ id: "served", title: "users were served all the while", outcome: failed.length === 0 ? pass(`${asked} of ${asked} requests were answered`) : fail(`${failed.length} of ${asked} requests failed, first ${failed[0]}; for ${Math.round(Math.max(...watched.map(longestOutage)))} ms at most`, "see the gateway and the drain of that service in docs/lab.md") });
  for (const gap of gaps) checks.push({ id: `gap-${checks.length}`, title: gap.title, outcome: gap.value <= gap.atMost! ? pass(`${gap.value} ms`) : fail(`${gap.value} ms, and ${gap.atMost} ms are allowed`, "see who ran when: gvfx lease status, and the worker's log") });
  return { checks, figures: [...gaps, ...figuresOf(watched)], lanes: [{ label: "done on purpose", stretches: faults }, ...watched.map(laneOf)] };
}

/** The data plane stays where its data is: its node is closed, and what can move is stopped there, one after the other. */
async function emptied(world: DrillWorld, node: string, signal: AbortSignal): Promise<Outcome> {
  if (node !== world.dataNode) await world.drain(node);
  else {
    await world.close(node);
    const unmoved = await movedOneByOne(world, node, signal);
    if (unmoved) return unmoved;
  }
  return within(world, signal, async () => {
    const copies = await world.copies();
    const left = copies.filter((copy) => copy.node === node && MOVES.includes(copy.job)).map(({ job }) => `${job} is still on ${node}`);
    const absent = MOVES.filter((job) => !copies.some((copy) => copy.job === job && copy.node !== node)).map((job) => `${job} runs nowhere else`);
    const worker = await world.workerNode();
    return [...left, ...absent, ...(worker === undefined ? ["nobody holds the worker's lease"] : worker === node ? [`the worker is still on ${node}`] : [])];
  });
}

/** As a drain does it: of each job one copy, and the next when the one that took its place is well. @returns what went wrong; undefined when nothing did */
async function movedOneByOne(world: DrillWorld, node: string, signal: AbortSignal): Promise<Outcome | undefined> {
  for (;;) {
    signal.throwIfAborted();
    const before = await world.copies();
    const round = MOVES.flatMap((job) => before.find((copy) => copy.job === job && copy.node === node) ?? []);
    if (round.length === 0) return undefined;
    for (const { id } of round) await world.stopCopy(id);
    const stopped = new Set(round.map(({ id }) => id));
    const outcome = await within(world, signal, async () => lacking(before, (await world.copies()).filter(({ id }) => !stopped.has(id))));
    if (outcome.verdict !== "pass") return outcome;
    await world.clock.wait(SETTLES_MS);
  }
}

/** Jobs that have fewer copies than before. */
function lacking(before: readonly Copy[], now: readonly Copy[]): string[] {
  const count = (copies: readonly Copy[], job: string): number => copies.filter((copy) => copy.job === job).length;
  return MOVES.filter((job) => count(now, job) < count(before, job)).map((job) => `${job}: ${count(now, job)} of ${count(before, job)} copies`);
}

/** Passes once nothing is in the way any more. */
export async function within({ clock }: DrillWorld, signal: AbortSignal, problems: () => Promise<readonly string[]>, ms = WITHIN_MS): Promise<Outcome> {
  const began = clock.now();
  for (;;) {
    signal.throwIfAborted();
    const found = await problems().catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
    const took = clock.now() - began;
    if (found.length === 0) return pass(`${(took / 1_000).toFixed(1)} s`);
    if (took >= ms) return fail(`after ${(took / 1_000).toFixed(0)} s: ${found.join("; ")}`, "see why: gvfx why");
    await clock.wait(LOOK_EVERY_MS);
  }
}
