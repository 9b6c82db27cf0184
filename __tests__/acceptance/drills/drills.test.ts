/** The acceptance drills over the double of two nodes: what passes, what is planted and found, and what is left behind. */
import { dataPlane } from "../../../scripts/acceptance/drills/data-plane";
import { failover, type DrillOutcome } from "../../../scripts/acceptance/drills/failover";
import { inference } from "../../../scripts/acceptance/drills/inference";
import { JOBS } from "../../../contracts/services";
import { FakeWorld } from "./fake-world";

let world: FakeWorld;
beforeEach(() => (world = new FakeWorld()));
const never = new AbortController().signal;
const silent = () => undefined;
const wrong = ({ checks }: DrillOutcome) => Object.fromEntries(checks.filter(({ outcome }) => outcome.verdict !== "pass").map(({ id, outcome }) => [id.replace(/-\d+$/, ""), outcome.detail]));

describe("failover", () => {
  test("the spare node is emptied, then the worker's; everything runs on the other one and comes back, and users notice nothing", async () => {
    const outcome = await failover(world, silent, never);
    expect(wrong(outcome)).toEqual({});
    expect(outcome.checks.map(({ id }) => id)).toEqual(["drained", "drained-back", "worker-node", "worker-node-back", "served", expect.stringMatching(/^gap-/), expect.stringMatching(/^gap-/)]);
    expect([...world.closed]).toEqual([]);
    expect(outcome.lanes[0].stretches.map(({ what }) => what)).toEqual(["server-2 emptied", "server-1 emptied"]);
    // The data plane stayed where its data is.
    expect((await world.copies()).filter(({ job }) => job === JOBS.convex).map(({ node }) => node)).toEqual(["server-1"]);
  });

  test("planted: a copy that stays, a user who is refused, a worker that is away for long", async () => {
    world.planted.stays = JOBS.frontend;
    expect(wrong(await failover(world, silent, never))).toMatchObject({ drained: expect.stringContaining(`${JOBS.frontend} is still on server-2`) });
    world = new FakeWorld();
    world.planted.fails = true;
    expect(wrong(await failover(world, silent, never))).toEqual({ served: expect.stringMatching(/^\d+ of \d+ requests failed, first API by server-1: answered 503/) });
    world = new FakeWorld();
    world.planted.gapMs = 9_000;
    expect(wrong(await failover(world, silent, never))).toEqual({ gap: "9000 ms, and 6000 ms are allowed" });
  });

  test("nothing is begun while something is not well before", async () => {
    world.worker = undefined;
    expect(wrong(await failover(world, silent, never))).toEqual({ before: "nobody holds the worker's lease" });
    expect(world.said).toEqual([]);
    // A gateway that is on its way back after a node was lost.
    world = new FakeWorld();
    Object.assign(world.targets[1], { ask: () => Promise.reject(new Error("socket hang up")) });
    expect(wrong(await failover(world, silent, never))).toEqual({ before: "API by server-2: socket hang up" });
    expect([world.said, [...world.closed]]).toEqual([[], []]);
  });

  test("planted: interrupted in the middle, it leaves no node closed", async () => {
    const stop = new AbortController();
    await expect(failover(world, () => stop.abort(), stop.signal)).rejects.toThrow();
    expect([[...world.closed], world.said]).toEqual([[], ["opened server-1", "opened server-2"]]);
  });
});

describe("data-plane", () => {
  test("each is restarted once, reads and writes go on, and everything acknowledged is there; its own files are gone after", async () => {
    const outcome = await dataPlane(world, "artefact", silent, never);
    expect(wrong(outcome)).toEqual({});
    expect(world.said).toEqual([JOBS.postgres, JOBS.objectstore, JOBS.convex].map((job) => `restarted ${job}`));
    expect(outcome.figures.find(({ title }) => title === "writes acknowledged")!.value).toBeGreaterThan(50);
    expect(outcome.figures.find(({ title }) => title.startsWith("writes: longest"))!.value).toBeGreaterThan(2_900);
    expect(world.content.size).toBe(0);
  });

  test("planted: an acknowledged write that is lost is found and named", async () => {
    world.planted.loses = true;
    expect(wrong(await dataPlane(world, "artefact", silent, never))).toEqual({ acknowledged: expect.stringMatching(/^3 of \d+: file-\d+: not there/) });
  });

  test("planted: what does not come back is a failure after its bound, not a wait for ever", async () => {
    world.planted.neverBack = true;
    await expect(dataPlane(world, "artefact", silent, never)).rejects.toThrow("Convex answered 503");
    expect(world.time).toBeGreaterThan(120_000);
  });
});

describe("inference", () => {
  test("the lost node's training fails where its caller sees it, the other ends, inference goes on, and the copy comes back", async () => {
    const outcome = await inference(world, silent, never);
    expect(wrong(outcome)).toEqual({});
    expect(outcome.figures).toEqual([expect.objectContaining({ unit: "ms", atMost: 10_000 })]);
    expect([...world.dead]).toEqual([]);
  });

  test("planted: a training that was repeated, one that nobody ended well, an inference that stays away", async () => {
    world.planted.repeats = true;
    expect(wrong(await inference(world, silent, never))).toEqual({ training: expect.stringContaining("both ended well: one was repeated") });
    world = new FakeWorld();
    world.planted.bothFail = true;
    expect(wrong(await inference(world, silent, never))).toEqual({ training: expect.stringContaining("both failed") });
    world = new FakeWorld();
    await world.drain("server-2");
    world.time += 5_000;
    expect(wrong(await inference(world, silent, never))).toEqual({ before: "they are on server-1, server-1" });
  });
});
