import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EnvironmentError } from "../../environments/parse";
import { previewCommand } from "../../scripts/preview/command";
import { STACK_IDS } from "../../synth";

// Some tests synthesize all four stacks again, beside other suites on few cores.

const before = { folder: process.cwd(), environment: process.env.GVFX_ENV };
let folder: string;
let printed: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-preview-"));
  process.chdir(folder);
  printed = "";
  jest.spyOn(process.stdout, "write").mockImplementation((text) => { printed += String(text); return true; });
});

afterEach(() => {
  jest.restoreAllMocks();
  process.chdir(before.folder);
  if (before.environment === undefined) delete process.env.GVFX_ENV;
  else process.env.GVFX_ENV = before.environment;
  rmSync(folder, { recursive: true });
});

const preview = () => previewCommand().parseAsync([], { from: "user" });

test("synthesizes, prints, writes the page and ends with what to do next", async () => {
  process.env.GVFX_ENV = "staging";
  await preview();
  for (const id of STACK_IDS) expect(existsSync(join("cdktf.out", "stacks", id, "cdk.tf.json"))).toBe(true);
  expect(readFileSync(join("dist", "preview", "index.html"), "utf8")).toContain("<h1>staging</h1>");
  expect(printed).toMatch(/^tv-goldviewfx platform, environment staging\n/);
  expect(printed).toContain(join("dist", "preview", "index.html"));
  expect(printed).toMatch(/\nNext: .+\n {6}.+\n$/s);
});

test("a wrong environment prints its errors and writes nothing", async () => {
  process.env.GVFX_ENV = "nowhere";
  await expect(preview()).rejects.toThrow(EnvironmentError);
  await expect(preview()).rejects.toThrow(/"nowhere" is no environment; there are production, staging/);
  expect(printed).toBe("");
  expect(readdirSync(".")).toEqual([]);
});
