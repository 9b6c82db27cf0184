/** Two restores on one node: one of them has its turn, and neither removes anything of the other. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { proveDatabaseScript } from "../../../scripts/data/restore/database";
import { loadObjectsScript } from "../../../scripts/data/restore/objects";
import { cleanUpScript, ofOwner, ofRun, ownScript, parseOwner, releaseScript } from "../../../scripts/data/restore/owner";
import { dumpScript, listScript, manifestsScript, restoreScript, type Repository } from "../../../scripts/data/restore/repository";
import { RUN_LABEL, script } from "../../../scripts/data/restore/shell";
import { POINT } from "./facts";
import { twoNodes, type TwoNodes } from "./two-nodes";

const newId = (): string => randomBytes(6).toString("hex");
const DEAD = newId();
const OWNER = ".gvfx-restore-owner";
const IN_PLACE = ["restore", "--in-place", "--snapshot", "01234567", "--confirm", "production"];

let nodes: TwoNodes;
/** What another run does when a job is told to stop. */
let meanwhile: (job: string) => void;
beforeEach(async () => {
  meanwhile = () => undefined;
  nodes = twoNodes((job) => meanwhile(job));
  nodes.put("gvfx-postgres/old");
  nodes.put("gvfx-objectstore/old");
  await nodes.prove();
});
afterEach(() => nodes.remove());

const turnOf = (run: string): void => nodes.put(`${OWNER}/${run}`, "laptop 2026-11-26T11:00:00.000Z\n");
const turn = (): readonly string[] => (existsSync(nodes.at(OWNER)) ? readdirSync(nodes.at(OWNER)) : []);

describe("commands", () => {
  const changing: readonly (readonly [string, readonly string[], number])[] = [
    ["a restore in place", IN_PLACE, 1],
    ["an undo", ["restore", "--undo", "--confirm", "production"], 2],
    ["the removal of what restores left", ["restore", "--discard-old", "--confirm", "production"], 2],
  ];
  beforeEach(() => {
    for (const volume of ["gvfx-postgres", "gvfx-objectstore"]) nodes.put(`${volume}.before-restore-T1/older`);
  });

  test.each(changing)("%s is refused while another run has its turn, and is told whose it is", async (_name, command, code) => {
    turnOf(DEAD);
    expect(await nodes.gvfx(...command)).toMatchObject({ code, complained: expect.stringMatching(new RegExp(`run ${DEAD} of laptop restores on server-1 since 2026-11-26T11:00:00\\.000Z.*--take-over ${DEAD}`, "s")) });
    expect(nodes.told).toEqual([]);
    expect(turn()).toEqual([DEAD]);
    expect([existsSync(nodes.at("gvfx-postgres/old")), existsSync(nodes.at("gvfx-postgres.before-restore-T1/older")), existsSync(nodes.at("gvfx-restore-01234567"))]).toEqual([true, true, true]);
  });

  test.each(changing)("%s takes over from a run that is dead, removes what that one left running, and ends its own turn", async (_name, command) => {
    turnOf(DEAD);
    nodes.container("gvfx-restore-postgres-7", DEAD);
    nodes.container("gvfx-restore-minio-8", DEAD);
    expect(await nodes.gvfx(...command, "--take-over", DEAD)).toMatchObject({ code: 0, complained: "" });
    expect([nodes.containers(), existsSync(nodes.at(OWNER))]).toEqual([[], false]);
  });

  test("another run than the one that is said to be dead is not taken over, and no path is", async () => {
    turnOf(DEAD);
    expect(await nodes.gvfx(...IN_PLACE, "--take-over", newId())).toMatchObject({ code: 1, complained: expect.stringContaining(`--take-over ${DEAD}`) });
    expect(await nodes.gvfx("restore", "--undo", "--confirm", "production", "--take-over", newId())).toMatchObject({ code: 2, complained: expect.stringContaining(`--take-over ${DEAD}`) });
    expect(turn()).toEqual([DEAD]);
    rmSync(nodes.at(OWNER), { recursive: true });
    expect(await nodes.gvfx(...IN_PLACE, "--take-over", "../../etc")).toMatchObject({ code: 2, complained: expect.stringMatching(/is no run.*twelve hex digits/) });
    expect(nodes.told).toEqual([]);
  });

  test("a turn that is neither ended nor anybody's is refused with what mends it", async () => {
    mkdirSync(nodes.at(OWNER));
    expect(await nodes.gvfx(...IN_PLACE)).toMatchObject({ code: 2, complained: expect.stringMatching(/begins or ends at this moment.*nothing was changed.*rmdir .*\.gvfx-restore-owner/) });
    expect(nodes.told).toEqual([]);
  });

  test("the turn is this machine's while it lasts, and ends when the work fails too", async () => {
    let seen: readonly string[] = [];
    meanwhile = () => (seen = turn().map((run) => `${run} ${readFileSync(nodes.at(OWNER, run), "utf8")}`));
    expect(await nodes.gvfx(...IN_PLACE)).toMatchObject({ code: 0 });
    expect(seen).toEqual([expect.stringMatching(new RegExp(`^[0-9a-f]{12} ${hostname()} 2026-11-26T12:00:0\\d\\.000Z\n$`))]);
    nodes.put("gvfx-restore-ffffffff/stamp", "T9\n");
    expect(await nodes.gvfx("restore", "--discard-old", "--confirm", "production")).toMatchObject({ code: 2, complained: expect.stringMatching(/half in place/) });
    expect(existsSync(nodes.at(OWNER))).toBe(false);
  });

  test.each([["a restore in place", IN_PLACE], ["an undo", ["restore", "--undo", "--confirm", "production"]]])("%s that was taken over renames and starts nothing more, and leaves the other its turn", async (_name, command) => {
    const other = newId();
    meanwhile = (job) => job === "gvfx-postgres" && renameSync(nodes.at(OWNER, turn()[0]), nodes.at(OWNER, other));
    expect((await nodes.gvfx(...command)).code).toBe(2);
    expect(nodes.told.filter((line) => line.startsWith("start"))).toEqual([]);
    expect([turn(), existsSync(nodes.at("gvfx-postgres/old")), existsSync(nodes.at("gvfx-restore-01234567/volumes/gvfx-postgres/new"))]).toEqual([[other], true, true]);
  });
});

describe("scripts", () => {
  const run = (takenOver?: string) => ({ id: newId(), owner: nodes.at(OWNER), takenOver });

  test.each([["of many that begin at once", undefined], ["of many that take over at once", DEAD]])("%s one has its turn, and the others learn whose it is", async (_name, dead) => {
    if (dead !== undefined) turnOf(dead);
    const runs = Array.from({ length: 12 }, () => run(dead));
    const answers = await Promise.all(runs.map((each) => nodes.sh(ownScript(each, "here 2026-11-26T12:00:00.000Z"))));
    const winners = runs.filter((_, index) => answers[index].lines.includes("mine"));
    expect(answers.map(({ status }) => status)).toEqual(runs.map(() => 0));
    expect([winners.length, turn()]).toEqual([1, [winners[0]?.id]]);
    for (const { lines } of answers.filter(({ lines }) => !lines.includes("mine"))) expect([winners[0].id, undefined, dead]).toContain(parseOwner(lines)?.run);
  });

  test("the end of a turn that was taken over leaves the other's, and a folder that cannot be made is said", async () => {
    const [first, second] = [run(), run()];
    await nodes.sh(ownScript(first, "here now"));
    await nodes.sh(ownScript({ ...second, takenOver: first.id }, "there later"));
    expect((await nodes.sh(releaseScript(first))).status).toBe(0);
    expect([turn(), readFileSync(nodes.at(OWNER, second.id), "utf8")]).toEqual([[second.id], "there later\n"]);
    expect(await nodes.sh(ofOwner(first, script("echo done")))).toMatchObject({ status: 1, lines: [], complaint: expect.stringMatching(new RegExp(`took over from this one \\(run ${first.id}\\)`)) });
    expect(await nodes.sh(ofOwner(second, script("echo done")))).toMatchObject({ status: 0, lines: ["done"] });
    expect((await nodes.sh(releaseScript(second))).status).toBe(0);
    expect(existsSync(nodes.at(OWNER))).toBe(false);
    expect(await nodes.sh(ownScript({ ...first, owner: nodes.at("gvfx-postgres/old", OWNER) }, "here now"))).toMatchObject({ status: 1, complaint: expect.stringMatching(/cannot say on this node that it works here/) });
  });

  test("what is cleaned up is the run's own and that of the one it took over; another's containers and secrets stay", async () => {
    const [mine, taken, other] = [newId(), newId(), newId()];
    const secrets = [mine, taken, other].map((id) => `/dev/shm/gvfx-restore.${id}.abcdef`);
    try {
      for (const each of secrets) mkdirSync(each);
      for (const [name, id] of [["a", mine], ["b", mine], ["c", taken], ["d", other]]) nodes.container(name, id);
      expect((await nodes.sh(cleanUpScript([mine, taken]))).status).toBe(0);
      expect([nodes.containers(), secrets.map((each) => existsSync(each))]).toEqual([["d"], [false, false, true]]);
    } finally {
      for (const each of secrets) rmSync(each, { recursive: true, force: true });
    }
  });

  test("every container and every folder of secrets carries its run's id", async () => {
    const id = newId();
    expect((await nodes.sh(ofRun({ id }, script('echo "$secrets"', { key: "k" })))).lines).toEqual([expect.stringMatching(new RegExp(`^/dev/shm/gvfx-restore\\.${id}\\.`))]);
    const repository: Repository = { image: "restic", key: "k", place: { kind: "local", volumesRoot: "/srv/gvfx" } };
    const scripts = [listScript(repository), manifestsScript(repository, [POINT]), dumpScript(repository, POINT), restoreScript(repository, POINT, "/srv/gvfx/x"), proveDatabaseScript("postgres", "/v", "d"), loadObjectsScript({ serverImage: "minio", clientImage: "mc", from: "/f", volume: "/v", readBack: "/r", buckets: [], rootUser: "u", rootPassword: "p" })];
    const starts = scripts.map((text) => text.split("\n").filter((line) => line.includes("docker run ")));
    expect(starts.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1, 2]);
    expect(starts.flat().filter((line) => !line.includes(RUN_LABEL))).toEqual([]);
  });
});
