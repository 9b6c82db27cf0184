/** What the ledger promises, whichever Nomad keeps it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CUTOVER_VARIABLES } from "../../contracts/variables";
import { EMPTY, headOf } from "../../scripts/cutover/entry";
import { LedgerMoved } from "../../scripts/cutover/ledger";
import { NomadLedger } from "../../scripts/cutover/nomad-ledger";
import { NomadVariables, type NomadEndpoint } from "../../scripts/clients/nomad-variables";
import { request } from "../../scripts/clients/http";
import { run, World } from "./core";

async function until(ms: number, so: () => boolean): Promise<void> {
  for (const end = Date.now() + ms; !so(); await sleep(100)) if (Date.now() > end) throw new Error(`it did not come about within ${ms} ms`);
}

/** Tests of one Nomad. @param endpoint asked in every test: what it is known by after a beforeAll */
export function ledgerTests(endpoint: () => NomadEndpoint, namespace: string): void {
  let folder: string;
  const processes = new Set<number>();
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-ledger-"));
    processes.clear();
    for (const { Path } of JSON.parse((await ask("GET", `/v1/vars?prefix=${CUTOVER_VARIABLES}/&`)).text) as { Path: string }[]) await ask("DELETE", `/v1/var/${Path}?`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const ask = (method: "GET" | "PUT" | "DELETE", path: string, body?: unknown) => request(`${endpoint().address}${path}namespace=${namespace}`, { method, ca: endpoint().caPem, headers: { "x-nomad-token": endpoint().token }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  /** Of a machine and a process. */
  const ledger = (by = "operator@laptop", pid = 1, machine = by): NomadLedger => {
    processes.add(pid);
    return new NomadLedger({ variables: new NomadVariables(endpoint(), namespace), folder: join(folder, machine), by, pid, alive: (other) => processes.has(other) });
  };

  test("entries are read back in their order, by whoever may", async () => {
    const writer = ledger();
    const first = await writer.append(EMPTY, { kind: "began", step: "preflight" });
    const second = await writer.append(first, { kind: "ended", step: "preflight", verdict: "pass", detail: 'quotes " and ü', facts: { nodes: 2, well: true } });
    for (let n = 0; n < 12; n++) await writer.append(headOf(await writer.entries()), { kind: "began", step: `s${n}` });
    const read = await ledger("other@desk", 2).entries();
    expect(read.slice(0, 2)).toEqual([first, second]);
    expect(read.slice(2).map(({ body }) => body)).toEqual(Array.from({ length: 12 }, (_, n) => ({ kind: "began", step: `s${n}` })));
  });

  test("of two that write the same entry one is refused, and nothing is rewritten", async () => {
    const both = await Promise.allSettled([ledger().append(EMPTY, { kind: "began", step: "a" }), ledger("other@desk", 2).append(EMPTY, { kind: "began", step: "b" })]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: expect.any(LedgerMoved) });
    expect(await ledger().entries()).toHaveLength(1);
  });

  test("a second operator is told who works and since when; released, it is theirs", async () => {
    const held = await ledger().lock();
    if (!held.held) throw new Error("the lock is not free");
    const other = ledger("other@desk", 2);
    expect(await other.lock()).toEqual({ held: false, who: "operator@laptop, process 1", since: expect.stringMatching(/^20\d\d-.*Z$/) });
    await held.release();
    const theirs = await other.lock();
    expect(theirs.held).toBe(true);
    if (theirs.held) await theirs.release();
  });

  test("killed here, the next run of this machine goes on at once; another machine waits until Nomad has seen it", async () => {
    expect((await ledger().lock()).held).toBe(true);
    processes.delete(1);
    expect((await ledger("other@desk", 2).lock()).held).toBe(false);
    const again = await ledger("operator@laptop", 3).lock();
    expect(again.held).toBe(true);
    if (again.held) await again.release();
  });

  test("who is killed elsewhere is out of the way after 10 s and a delay", async () => {
    await ask("PUT", `/v1/var/${CUTOVER_VARIABLES}/lock?lock-acquire&`, { Path: `${CUTOVER_VARIABLES}/lock`, Namespace: namespace, Items: { by: "dead@gone", pid: "9", since: "2026-01-01T12:00:00.000Z" }, Lock: { ID: "5e0ac6a0-0000-4000-8000-000000000001", TTL: "10s", LockDelay: "1s" } });
    expect(await ledger().lock()).toMatchObject({ held: false, who: "dead@gone, process 9" });
    const began = Date.now();
    for (;;) {
      const lock = await ledger().lock();
      if (lock.held) {
        await lock.release();
        break;
      }
      // Twice the TTL is Nomad's own allowance, and a busy machine's.
      if (Date.now() - began > 40_000) throw new Error("the lock of who is gone is still there after 40 s");
      await sleep(500);
    }
  });

  test("held on, it is kept beyond its time; lost, its holder is told", async () => {
    const held = await ledger().lock();
    if (!held.held) throw new Error("the lock is not free");
    await sleep(14_000);
    expect(held.signal.aborted).toBe(false);
    expect((await ledger("other@desk", 2).lock()).held).toBe(false);
    const { id } = JSON.parse(readFileSync(join(folder, "operator@laptop", "lock.json"), "utf8")) as { id: string };
    expect((await ask("PUT", `/v1/var/${CUTOVER_VARIABLES}/lock?lock-release&`, { Path: `${CUTOVER_VARIABLES}/lock`, Namespace: namespace, Lock: { ID: id } })).status).toBe(200);
    await until(10_000, () => held.signal.aborted);
    await held.release();
  });

  test("a whole cutover is kept, entry by entry", async () => {
    const kept = ledger();
    const world = new World();
    expect(await run(kept, world)).toEqual({ outcome: "finished" });
    expect(world.changes).toEqual(["owner nomad", "traffic nomad"]);
    expect((await kept.entries()).at(-1)!.body).toEqual({ kind: "finished" });
  });
}
