import { describeWithEngine, DoubleContainers, until, type DoubleContainer } from "./double-container";

// Images are built first.
jest.setTimeout(300_000);

const TRAINING = { pair: "BTC-USDT", period_start: "2026-01-01T00:00:00Z", period_end: "2026-01-01T01:00:00Z", dataset_features: Array.from({ length: 40 }, (_, close) => ({ close })) };
const train = (base: string, path: string, timesteps: number): Promise<Response> => fetch(base + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ ...TRAINING, timesteps }) });

describeWithEngine("the doubles of the frontend and of the RL service, as the jobs run them", ["oven/bun:1-debian"], () => {
  const containers = new DoubleContainers("frontend");
  let rl: DoubleContainer;
  let frontend: DoubleContainer;
  let pages: string;

  beforeAll(async () => {
    await containers.build("frontend", "rl-service");
    rl = await containers.start("rl-service", [9101], { RL_ENV: "production", RL_SERVICE_HOST: "0.0.0.0", RL_SERVICE_PORT: "9101", DOUBLE_LOAD_MS: "5000", DOUBLE_TRAINING_MS_PER_1000_TIMESTEPS: "1000" });
    frontend = await containers.start("frontend", [3000], { API_BASE_URL: "http://rl-service:9101", NEXT_PUBLIC_MARKET_GOLD_PAIRS: "Gold-USDT", BACKEND_PROXY_TIMEOUT_MS: "4000" });
    pages = await frontend.url(3000);
  });
  afterAll(() => containers.remove());

  test("the RL service is not healthy before it is loaded, and then is", async () => {
    await rl.docker("restart");
    const health = `${await rl.url(9101)}/health`;
    let first = 0;
    await until(async () => (first = (await fetch(health)).status) > 0, "it listens");
    expect(first).toBe(503);
    await until(async () => (await fetch(health)).status === 200, "it is loaded");
  });

  test("pages show what the environment says, and the proxy goes where it says", async () => {
    await until(async () => (await fetch(pages)).ok, "it listens");
    const page = await (await fetch(`${pages}/gold`)).text();
    expect(page).toContain('data-pair="Gold-USDT"');
    expect(page).not.toContain("XAUTUSDT");
    expect(await (await fetch(`${pages}/api/backend/health`)).json()).toMatchObject({ status: "ok", double: "rl-service" });
  });

  test("the proxy gives up after its limit", async () => {
    expect((await train(pages, "/api/backend/training/run", 8000)).status).toBe(504);
  });

  test("both finish what is in flight when they are told to stop", async () => {
    const [through, direct] = [train(pages, "/api/backend/training/run", 2500), train(await rl.url(9101), "/training/run", 4000)];
    // Until both calls have reached their servers.
    await new Promise((done) => setTimeout(done, 500));
    await Promise.all([frontend.docker("stop", "--time", "30"), rl.docker("stop", "--time", "30")]);
    expect((await through).status).toBe(200);
    expect((await direct).status).toBe(200);
    expect([await frontend.exitCode(), await rl.exitCode()]).toEqual([0, 0]);
  });

  test("a wrong environment ends them at once, and they say why", async () => {
    const wrong = new DoubleContainers("wrong");
    try {
      const [f, r] = [await wrong.start("frontend", [], { NEXT_PUBLIC_API_TOKEN: "t" }), await wrong.start("rl-service", [], { RL_SERVICE_PORT: "" })];
      expect([await f.exitCode(), await r.exitCode()]).toEqual([1, 1]);
      expect(await f.logs()).toContain("NEXT_PUBLIC_API_TOKEN is forbidden");
      expect(await r.logs()).toContain("RL_SERVICE_PORT");
    } finally {
      wrong.remove();
    }
  });
});
