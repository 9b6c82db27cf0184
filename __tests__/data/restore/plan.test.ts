import fc from "../../properties";
import { planRestore, type Planned } from "../../../scripts/data/restore/plan";
import type { RestoreFacts, RestoreRequest, RestoreStep } from "../../../scripts/data/restore/types";
import { facts, FOLDER, node, request } from "./facts";

const kinds = (planned: Planned): RestoreStep["kind"][] => ("plan" in planned ? planned.plan.steps.map(({ kind }) => kind) : []);
const problems = (planned: Planned): string => ("problems" in planned ? planned.problems.map(({ what, fix }) => `${what} / ${fix}`).join("\n") : "");
const OTHER = { run: "aaaaaaaaaaaa", host: "laptop", since: "2026-11-26T02:00:00.000Z" };
const BESIDE = ["fetch", "check-files", "prove-database", "load-objects", "prove-references", "mark-proven"];

test("beside: proven and left there, with the command that puts it in place", () => {
  const planned = planRestore(facts({ jobs: undefined }), request());
  expect(kinds(planned)).toEqual(BESIDE);
  expect(planned).toMatchObject({ plan: { folder: FOLDER, notes: [expect.stringContaining("npm run gvfx -- data restore --in-place --snapshot 01234567 --from server-2 --to server-1 --confirm production")] } });
});

test("a rehearsal removes what it proved; images that are missing are pulled first", () => {
  expect(kinds(planRestore(facts({ nodes: [node("server-1"), node("server-2", { missingImages: ["postgres@sha256:1"] })] }), request({ mode: "rehearse", target: "server-2" })))).toEqual(["pull", ...BESIDE, "remove"]);
});

test("in place: everything is proven before a job is stopped, and Postgres is stopped last and started first", () => {
  const planned = planRestore(facts(), request({ mode: "in-place" }));
  expect(kinds(planned)).toEqual([...BESIDE, "stop-backups", "stop-jobs", "prove-idle", "swap", "start-jobs"]);
  expect(planned).toMatchObject({
    plan: { steps: expect.arrayContaining([{ kind: "stop-jobs", jobs: ["gvfx-worker", "gvfx-api", "gvfx-convex", "gvfx-objectstore", "gvfx-postgres"] }, { kind: "start-jobs", jobs: ["gvfx-postgres", "gvfx-objectstore", "gvfx-convex"] }]), notes: expect.arrayContaining([expect.stringMatching(/kept aside/), expect.stringMatching(/gvfx-worker and gvfx-api are stopped first and stay stopped.*--start$/), expect.stringMatching(/outside of Nomad/)]) },
  });
});

test("what was restored and proven before is put in place as it is: a restore that broke off goes on", () => {
  const nodes = [node("server-1", { restored: [{ path: FOLDER, shortId: "01234567", state: "proven", begun: false }], freeBytes: 0 }), { name: "server-2", silent: "no route" }];
  expect(kinds(planRestore(facts({ nodes }), request({ mode: "in-place" })))).toEqual(["stop-backups", "stop-jobs", "prove-idle", "swap", "start-jobs"]);
  expect(problems(planRestore(facts({ nodes: [nodes[0], node("server-2")] }), request()))).toMatch(/holds this restore point already.*--in-place.*--confirm production.*--discard-old --beside --to server-1 --confirm production/s);
});

test("a dead run's turn is taken over; on another node than the target it is in nobody's way", () => {
  expect(kinds(planRestore(facts({ nodes: [node("server-1", { owner: OTHER }), node("server-2")] }), request({ takeOver: OTHER.run })))).toEqual(BESIDE);
  expect(kinds(planRestore(facts({ nodes: [node("server-1"), node("server-2", { owner: OTHER })] }), request()))).toEqual(BESIDE);
});

test("the way of the files: on one node, through this machine, from S3", () => {
  const way = (changes: Partial<RestoreRequest>) => (planRestore(facts(), request(changes)) as { plan: { steps: readonly RestoreStep[] } }).plan.steps[0];
  expect(way({})).toMatchObject({ way: "stream" });
  expect(way({ target: "server-2" })).toMatchObject({ way: "same-node" });
  expect(way({ from: { kind: "s3" } })).toMatchObject({ way: "s3" });
});

test("the data node is gone: jobs pinned to it are left alone, and the next step is a deploy", () => {
  const gone = facts({ dataNode: "server-2", nodes: [{ name: "server-1", silent: "no route to host" }, node("server-2")] });
  const planned = planRestore(gone, request({ mode: "in-place", target: "server-2" }));
  expect(kinds(planned)).toEqual([...BESIDE, "stop-backups", "stop-jobs", "prove-idle", "swap"]);
  expect(planned).toMatchObject({ plan: { notes: expect.arrayContaining([expect.stringMatching(/npx cdktf deploy data-plane/), expect.stringMatching(/server-1 could not be asked.*power it off/)]) } });
});

// Each row is a planted defect: the plan must not exist, and the message must say it.
const refusals: readonly (readonly [string, Partial<RestoreFacts>, Partial<RestoreRequest>, RegExp])[] = [
  ["a target that does not answer", { nodes: [{ name: "server-1", silent: "no route to host" }, node("server-2")] }, {}, /server-1.*no route to host.*--to server-2/],
  ["in place on a target that does not answer", { nodes: [{ name: "server-1", silent: "timeout" }, node("server-2")] }, { mode: "in-place" }, /gone for good.*docs\/restore.md/],
  ["a target that is no node", {}, { target: "server-9" }, /"server-9" is no app node.*server-1, server-2/],
  ["no container engine", { nodes: [node("server-1", { missingPrograms: ["docker"] }), node("server-2")] }, {}, /server-1 has no docker.*systemctl start docker/],
  ["no room", { nodes: [node("server-1", { freeBytes: 2 ** 30 }), node("server-2")] }, {}, /1024 MiB free.*needs 1690 MiB.*--discard-old --to server-1/],
  ["backups on a node that does not answer", { nodes: [node("server-1"), { name: "server-2", silent: "refused" }] }, {}, /server-2, whose disk has the backups.*--from s3/],
  ["no repository", { nodes: [node("server-1"), node("server-2", { hasRepository: false })] }, {}, /no repository of backups on server-2/],
  ["in place elsewhere than the jobs run", {}, { mode: "in-place", target: "server-2" }, /jobs run on server-1.*dataPlane.node = "server-2"/],
  ["Nomad unknown", { jobs: { unknown: "no token" } }, { mode: "in-place" }, /no token.*--beside/],
  ["a volume that cannot be renamed", { nodes: [node("server-1", { volumes: [{ name: "gvfx-postgres", path: "/srv/gvfx/gvfx-postgres", state: "filled", mountPoint: true, usedBy: [] }] }), node("server-2")] }, { mode: "in-place" }, /file system of its own.*by hand/],
  ["the data plane still runs elsewhere", { dataNode: "server-2", nodes: [node("server-1", { volumes: [{ name: "gvfx-postgres", path: "/srv/gvfx/gvfx-postgres", state: "filled", mountPoint: false, usedBy: ["container postgres-1"] }] }), node("server-2")] }, { mode: "in-place", target: "server-2" }, /server-1 still runs.*gvfx-postgres.*power server-1 off/],
  ["a swap of another backup that broke off", { nodes: [node("server-1", { restored: [{ path: "/srv/gvfx/gvfx-restore-ffffffff", shortId: "ffffffff", state: "proven", begun: true }] }), node("server-2")] }, { mode: "in-place" }, /gvfx-restore-ffffffff on server-1 is half in place.*--undo --confirm production/],
  ["an undo that broke off", { nodes: [node("server-1", { undoing: true }), node("server-2")] }, { mode: "in-place" }, /an undo on server-1 broke off.*--undo --confirm production/],
  ["another run's turn", { nodes: [node("server-1", { owner: OTHER }), node("server-2")] }, {}, /run aaaaaaaaaaaa of laptop restores on server-1 since 2026-11-26T02:00:00\.000Z.*same command with --take-over aaaaaaaaaaaa/],
  ["another run's turn than the one that is taken over", { nodes: [node("server-1", { owner: OTHER }), node("server-2")] }, { takeOver: "bbbbbbbbbbbb" }, /--take-over aaaaaaaaaaaa/],
  ["another restore", { nodes: [node("server-1", { restoreContainers: ["gvfx-restore-minio-7"] }), node("server-2")] }, {}, /another restore works on server-1.*docker rm --force gvfx-restore-minio-7/],
];
test.each(refusals)("refused: %s", (_name, changed, wanted, message) => {
  expect(problems(planRestore(facts(changed), request(wanted)))).toMatch(new RegExp(message.source, "s"));
});

test("all that is in the way is said at once", () => {
  const bad = facts({ nodes: [node("server-1", { freeBytes: 0, missingPrograms: ["tar"] }), node("server-2", { hasRepository: false })], jobs: { unknown: "no token" } });
  expect((planRestore(bad, request({ mode: "in-place" })) as { problems: unknown[] }).problems).toHaveLength(4);
});

test("whatever the facts: no job is stopped before the proof, none of the data plane is stopped that is not started again, none that trades is started, and only a rehearsal removes", () => {
  const silent = fc.constant("no answer");
  const anyNode = (name: string) =>
    fc.oneof(
      silent.map((why) => ({ name, silent: why })),
      fc.record({ freeBytes: fc.constantFrom(0, 2 ** 40), hasRepository: fc.boolean(), proven: fc.boolean(), image: fc.boolean() }).map(({ proven, image, ...rest }) => node(name, { ...rest, missingImages: image ? ["x"] : [], restored: proven ? [{ path: FOLDER, shortId: "01234567", state: "proven" as const, begun: false }] : [] })),
    );
  const jobs = fc.oneof(fc.constant({ unknown: "?" }), fc.constant(undefined), fc.array(fc.record({ id: fc.constantFrom("gvfx-postgres", "gvfx-objectstore", "gvfx-convex", "gvfx-api", "gvfx-worker"), state: fc.constantFrom("running" as const, "stopped" as const, "absent" as const), node: fc.constantFrom("server-1", "server-2", undefined) }), { maxLength: 3 }));
  fc.assert(
    fc.property(anyNode("server-1"), anyNode("server-2"), jobs, fc.constantFrom("beside" as const, "in-place" as const, "rehearse" as const), fc.constantFrom("server-1", "server-2"), (one, two, known, mode, target) => {
      const planned = planRestore(facts({ nodes: [one, two], jobs: known }), request({ mode, target }));
      if ("problems" in planned) return planned.problems.length > 0 && planned.problems.every(({ what, fix }) => what !== "" && fix !== "");
      const steps = planned.plan.steps;
      const order = steps.map(({ kind }) => kind);
      const stop = steps.find((step) => step.kind === "stop-jobs");
      const start = steps.find((step) => step.kind === "start-jobs");
      expect(order.includes("swap")).toBe(mode === "in-place");
      expect(order.includes("remove")).toBe(mode === "rehearse");
      if (order.includes("fetch")) expect(order.slice(-order.length + order.indexOf("fetch")).slice(0, 6)).toEqual(BESIDE);
      if (stop?.kind === "stop-jobs") expect(start?.kind === "start-jobs" ? start.jobs : []).toEqual(stop.jobs.filter((id) => !/api|worker/.test(id)).reverse());
      if (order.includes("swap")) expect(order.indexOf("prove-idle")).toBe(order.indexOf("swap") - 1);
      return true;
    }),
    { numRuns: 300 },
  );
});
