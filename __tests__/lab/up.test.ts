import { SECRETS } from "../../contracts/secrets";
import { loadEnvironment } from "../../environments/load";
import { appSourceOf, appSources } from "../../scripts/lab/app-source";
import { timingsTable } from "../../scripts/lab/command";
import { operatorRepository } from "../../scripts/lab/registry";
import { run, RunFailed } from "../../scripts/lab/run";
import { labSecrets } from "../../scripts/lab/secrets";
import { runSteps, type Steps } from "../../scripts/lab/steps";
import { labOf, partsTable } from "../../scripts/lab/up";

const environment = loadEnvironment("lab");
const lab = environment.lab!;

describe("steps", () => {
  const plain = (steps: Steps) => {
    const lines: string[] = [];
    return { lines, done: runSteps(steps, { terminal: false, write: (line) => void lines.push(line) }) };
  };
  const step = (title: string, order: string[], work: () => Promise<string | void> = async () => undefined) => ({
    title,
    run: async () => {
      order.push(`${title} begins`);
      const result = await work();
      order.push(`${title} ends`);
      return result;
    },
  });

  test("run one after the other, groups at once, and each is timed", async () => {
    const order: string[] = [];
    const later = () => new Promise<void>((done) => setTimeout(done, 20));
    const { lines, done } = plain([step("a", order), [[step("b", order, later)], [step("c", order)]], step("d", order, async () => "3 things")]);
    expect((await done).map((t) => t.title)).toEqual(["a", "c", "b", "d"]);
    expect(order).toEqual(["a begins", "a ends", "b begins", "c begins", "c ends", "b ends", "d begins", "d ends"]);
    expect(lines.at(-1)).toMatch(/^\[ +0 s\] d: 3 things \(0\.0 s\)$/);
  });

  test("an error ends it after what runs beside it has ended, and nothing later begins", async () => {
    const order: string[] = [];
    const fails = async () => {
      throw new Error("broken");
    };
    const { done } = plain([[[step("a", order, fails)], [step("b", order, () => new Promise((end) => setTimeout(end, 20)))]], step("c", order)]);
    await expect(done).rejects.toThrow("broken");
    expect(order).toEqual(["a begins", "b begins", "b ends"]);
  });
});

describe("a program that fails", () => {
  test("tells its status and the end of what it said", async () => {
    await expect(run("sh", ["-c", "echo one; echo two >&2; exit 3"])).rejects.toThrow(/failed \(3\):\n {2}one\n {2}two|failed \(3\):\n {2}two\n {2}one/);
    await expect(run("sh", ["-c", "exit 3"])).rejects.toBeInstanceOf(RunFailed);
    await expect(run("sh", ["-c", "exit 2"], { accept: [0, 2] })).resolves.toMatchObject({ status: 2 });
  });

  test("that an interrupt must not reach has a process group of its own", async () => {
    const leads = async (ownGroup: boolean) => {
      const [pid, group] = (await run("sh", ["-c", "echo $$; ps -o pgid= -p $$"], { ownGroup })).output.trim().split(/\s+/);
      return pid === group;
    };
    expect([await leads(true), await leads(false)]).toEqual([true, false]);
  });

  test("that is not there is named", async () => {
    await expect(run("gvfx-no-such-program", [])).rejects.toThrow(/gvfx-no-such-program is not installed, or not on PATH/);
  });
});

describe("secrets of the lab", () => {
  const secrets = labSecrets(environment);

  test("every secret that a job cannot do without has a value, and every path that a job reads is there", () => {
    for (const { field, path, required, readers } of SECRETS.filter((s) => s.readers.length > 0)) {
      expect([path, secrets.has(path)]).toEqual([path, true]);
      if (required && readers.length > 0) expect([field, secrets.get(path)![field]?.length ?? 0]).toEqual([field, expect.any(Number)]);
      if (required) expect(secrets.get(path)![field].length).toBeGreaterThan(8);
    }
  });

  test("the app's database URL has the password of its role", () => {
    const password = secrets.get("data/postgres-app")!.APP_DB_PASSWORD;
    expect(secrets.get("app/trading")!.TIMESCALE_URL).toBe(`postgres://gvfx:${password}@gvfx-postgres.service.consul:5432/gvfx`);
  });

  test("Convex's instance secret is 32 bytes of hex, and no two labs share one", () => {
    expect(secrets.get("data/convex")!.INSTANCE_SECRET).toMatch(/^[0-9a-f]{64}$/);
    expect(labSecrets(environment).get("data/convex")).not.toEqual(secrets.get("data/convex"));
  });
});

test("the operator pushes to the registry's port on loopback, and nodes pull by its address", () => {
  expect(operatorRepository(environment.images.backend, environment.images.registry, lab)).toBe("127.0.0.1:15000/tv-goldviewfx-backend");
  expect(() => operatorRepository("x", environment.images.registry, { ...lab, published: [] })).toThrow(/published on no loopback port/);
});

describe("the real app", () => {
  test("takes the place of the doubles that are named, or of all three", () => {
    expect(appSourceOf({})).toBeUndefined();
    expect(appSources(lab, appSourceOf({ GVFX_APP_SOURCE: "/src/app", GVFX_APP_IMAGES: "backend" }))).toMatchObject({ backend: "tv-goldviewfx-backend:app-source", frontend: lab.sources.frontend });
    expect(appSources(lab, appSourceOf({ GVFX_APP_SOURCE: "/src/app" }))).toMatchObject({ rlService: "tv-goldviewfx-rl-service:app-source", postgres: lab.sources.postgres });
  });

  test("an image that it does not have is refused", () => {
    expect(() => appSourceOf({ GVFX_APP_SOURCE: "/src/app", GVFX_APP_IMAGES: "backend,workers" })).toThrow(/GVFX_APP_IMAGES names workers.*backend, frontend, rl-service/);
  });

  test("what is said to be real is what was built", () => {
    const said = partsTable(lab, appSourceOf({ GVFX_APP_SOURCE: "/src/app", GVFX_APP_IMAGES: "backend" }));
    expect(said).toMatch(/api, worker +real, built from \/src\/app/);
    expect(said).toMatch(/frontend, rl-service +doubles/);
    expect(partsTable(lab)).toMatch(/api, frontend, rl-service, worker +doubles/);
  });
});

test("another environment is no lab", () => {
  expect(() => labOf(loadEnvironment("production"))).toThrow(/"production" is no lab/);
});

test("timings are a Markdown table", () => {
  expect(timingsTable([{ title: "lab", seconds: 12.34 }])).toBe("| step | seconds |\n|---|---|\n| lab | 12.3 |");
});
