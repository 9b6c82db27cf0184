import { describeWithEngine, DoubleContainers, until, type DoubleContainer } from "../frontend/double-container";

// The image is built first, packages and all.
jest.setTimeout(600_000);

const STATUS = /^API (.*)\nWorker (.*)\nRL service (.*)$/;

describeWithEngine("the legacy host's double", ["oven/bun:1-debian", "debian:bookworm-slim"], () => {
  const containers = new DoubleContainers("legacy");
  let host: DoubleContainer;

  const convex = async (kind: "query" | "mutation", path: string, args: object): Promise<unknown> => {
    const answer = await fetch(`${await host.url(3210)}/api/${kind}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path, args, format: "json" }) });
    return ((await answer.json()) as { value: unknown }).value;
  };
  const states = async (): Promise<string[]> => (STATUS.exec(await host.asTrader("scripts/daemonize-backend.sh status")) ?? []).slice(1).map((text) => text.split(" ")[0]);
  const up = () => until(async () => ((await host.logs()).match(/legacy host double: up/g) ?? []).length > 0 && (await fetch(`${await host.url(8787)}/health`)).ok, "the host is up");
  /** The state of the processes is looked at once a second. */
  const noticed = () => new Promise((done) => setTimeout(done, 2500));

  beforeAll(async () => {
    await containers.build("legacy");
    host = await containers.start("legacy", [3000, 3210, 8787, 9101], { LEGACY_ENV_API_TOKEN: "secret", LEGACY_ENV_DOUBLE_LOAD_MS: "100" });
    await up();
  });
  afterAll(() => containers.remove());

  test("everything runs, hand-started, and reaches each other", async () => {
    expect(await states()).toEqual(["running", "running", "running"]);
    expect((await fetch(`${await host.url(8787)}/ops/alerts`)).status).toBe(401);
    expect((await fetch(`${await host.url(3000)}/api/backend/ops/alerts`)).status).toBe(200);
    await until(async () => (await fetch(`${await host.url(9101)}/health`)).ok, "the RL service is loaded");
    expect(await (await fetch(`${await host.url(3210)}/version`)).text()).toContain("double");
    expect(await host.asTrader("scripts/convex-admin-key.sh")).toMatch(/^legacy\|[0-9a-f]+$/);
  });

  test("an SSH server admits trader by key, and nobody by password", async () => {
    const settings = (await host.sshSettings()).toLowerCase().split("\n");
    expect(settings).toEqual(expect.arrayContaining(["passwordauthentication no", "kbdinteractiveauthentication no", "allowusers trader", "hostkey /etc/ssh/ssh_host_ecdsa_key"]));
    expect(await host.docker("top")).toContain("/usr/sbin/sshd -D -e [listener]");
  });

  test("a restart keeps data and settings, and starts what ran", async () => {
    await convex("mutation", "data:write", { table: "notes", action: "insert", payload: { id: "n", text: "kept" } });
    await host.asTrader(`sed -i "s#^CONVEX_URL=.*#CONVEX_URL='http://localhost:3210'#" backend/.env`);
    await noticed();
    await host.docker("restart");
    await up();
    expect(await states()).toEqual(["running", "running", "running"]);
    expect(await convex("query", "data:query", { table: "notes", filters: [] })).toMatchObject({ data: [{ id: "n", text: "kept" }] });
    expect(await host.asTrader("grep ^CONVEX_URL backend/.env")).toBe("CONVEX_URL='http://localhost:3210'");
  });

  test("a worker that was stopped is not brought back by a power cut, and the rest is", async () => {
    await host.asTrader('kill "$(cat .pids/backend-jobs.pid)"');
    await noticed();
    await host.docker("kill");
    await host.docker("start");
    await up();
    expect(await states()).toEqual(["running", "stopped", "running"]);
    expect(await host.asTrader("scripts/start-worker.sh")).toMatch(/^worker started \(PID \d+\)$/);
    expect(await states()).toEqual(["running", "running", "running"]);
  });
});
