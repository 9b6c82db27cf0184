import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convexCli } from "../../../scripts/data/convex/cli";
import type { ConvexAccess } from "../../../scripts/data/convex/access";

const KEY = "legacy|01secretkey";
const access: ConvexAccess = { side: "legacy", address: "http://127.0.0.1:1", adminKey: async () => KEY, instanceName: async () => "legacy" };

/** A program in the CLI's place: writes down how it was called, and does what the test's script says. */
const PROGRAM = `
const { readFileSync, writeFileSync, readdirSync, lstatSync } = require("node:fs");
const { join } = require("node:path");
const folder = process.cwd();
const stdin = readFileSync(0, "utf8");
const list = (at) => readdirSync(at, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? list(join(at, e.name)) : [join(at, e.name).slice(folder.length + 1)])).sort();
writeFileSync(join(__dirname, "..", "call.json"), JSON.stringify({ args: process.argv.slice(2), env: process.env, stdin, manifest: JSON.parse(readFileSync(join(folder, "package.json"))), files: list(folder) }));
eval(readFileSync(join(__dirname, "..", "script.js"), "utf8"));
`;

let folder: string;
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-cli-"));
  mkdirSync(join(folder, "convex", "bin"), { recursive: true });
  writeFileSync(join(folder, "convex", "package.json"), JSON.stringify({ name: "convex", version: "1.48.0" }));
  writeFileSync(join(folder, "convex", "bin", "main.js"), PROGRAM);
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const VARIABLES = { PATH: process.env.PATH, CONVEX_DEPLOYMENT: "dev:happy-otter", CONSUL_HTTP_TOKEN: "consul", LEGACY_CONVEX_ADMIN_KEY: KEY, CLAUDECODE: "1" };
const cli = (script: string, signal?: AbortSignal) => {
  writeFileSync(join(folder, "convex", "script.js"), script);
  return convexCli(access, { variables: VARIABLES, signal, onLine: (line) => lines.push(line), packageFolder: join(folder, "convex") });
};
const call = () => JSON.parse(readFileSync(join(folder, "convex", "call.json"), "utf8")) as { args: string[]; env: Record<string, string>; stdin: string; manifest: { dependencies: object }; files: string[] };
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("gvfx-convex-"));

test("it runs with the key in its environment alone, without deployment, credentials or the operator's folder", async () => {
  const before = leftovers();
  await cli("writeFileSync(process.argv[process.argv.indexOf('--path') + 1], 'zip', { mode: 0o644 })").exportSnapshot(join(folder, "out.zip"), { includeFiles: true });
  const { args, env, manifest } = call();
  expect(args).toEqual(["export", "--path", join(folder, "out.zip"), "--include-file-storage"]);
  expect(Object.keys(env).filter((name) => !["PATH", "TMPDIR", "LANG", "LC_ALL"].includes(name) && !/PROXY|^NODE_EXTRA|^__CF/i.test(name)).sort()).toEqual(["CI", "CONVEX_SELF_HOSTED_ADMIN_KEY", "CONVEX_SELF_HOSTED_URL", "HOME", "NO_COLOR"]);
  expect(env).toMatchObject({ CI: "1", CONVEX_SELF_HOSTED_URL: "http://127.0.0.1:1", CONVEX_SELF_HOSTED_ADMIN_KEY: KEY });
  expect(args.join(" ")).not.toContain("secretkey");
  expect(manifest.dependencies).toEqual({ convex: "1.48.0" });
  expect(statSync(join(folder, "out.zip")).mode & 0o777).toBe(0o600);
  expect(leftovers()).toEqual(before);
});

test("an import replaces everything and asks nobody", async () => {
  await cli("").importSnapshot("s.zip");
  expect(call().args).toEqual(["import", "--replace-all", "-y", join(process.cwd(), "s.zip")]);
});

test("what it says is relayed line by line, without colours, stack frames or the key", async () => {
  await cli(`process.stderr.write("\\u001b[32m- Uploading\\u001b[0m\\rdone with ${KEY}\\nat frame (x.js:1)\\nlast")`).importSnapshot("s.zip");
  expect(lines).toEqual(["- Uploading", "done with <admin key>", "last"]);
});

test("a failure says what was asked, of whom, and the last that it said; the key is not in it", async () => {
  const failure = await cli(`console.error("first\\n✖ Error: refused ${KEY}"); process.exitCode = 3`).importSnapshot("s.zip").catch((error: Error) => error);
  expect((failure as Error).message).toBe("convex import at legacy (http://127.0.0.1:1) ended with status 3: first | ✖ Error: refused <admin key>");
});

test("interrupted, it ends and is said to have been", async () => {
  const stop = new AbortController();
  const running = cli(`console.error("begun"); setInterval(() => undefined, 1000)`, stop.signal);
  const ended = running.importSnapshot("s.zip");
  const watch = setInterval(() => lines.includes("begun") && stop.abort(), 10);
  await expect(ended).rejects.toThrow("convex import was interrupted");
  clearInterval(watch);
});

test("another version than the one that was tried is refused, with what to do", async () => {
  writeFileSync(join(folder, "convex", "package.json"), JSON.stringify({ version: "1.49.0" }));
  await expect(cli("").importSnapshot("s.zip")).rejects.toThrow(/1\.48\.0 is not installed in .* \(1\.49\.0 is\).*npm ci/s);
});

test("a deploy sees functions and settings, and the app's packages but its convex; the checkout stays as it is", async () => {
  const app = join(folder, "app");
  for (const path of ["src/convex", "node_modules/zod", "node_modules/convex"]) mkdirSync(join(app, path), { recursive: true });
  writeFileSync(join(app, "convex.json"), JSON.stringify({ functions: "src/convex/" }));
  writeFileSync(join(app, "src/convex/schema.ts"), "export default 1;");
  writeFileSync(join(app, ".env.local"), "CONVEX_DEPLOYMENT=dev:x");
  await cli(`writeFileSync(join(folder, "src/convex/generated.ts"), "")`).deploy(app);
  const { args, files } = call();
  expect(args).toEqual(["deploy", "--typecheck", "disable", "-y"]);
  expect(files).toEqual(["convex.json", "node_modules/convex", "node_modules/zod", "package.json", "src/convex/schema.ts"]);
  expect(existsSync(join(app, "src/convex/generated.ts"))).toBe(false);
});

test.each([["../convex", "outside of the checkout"], ["missing/", "has no folder missing/"]])("functions in %s: %s", async (functions, message) => {
  writeFileSync(join(folder, "convex.json"), JSON.stringify({ functions }));
  await expect(cli("").deploy(folder)).rejects.toThrow(message);
});

test("environment variables: values by standard input and output only, to the letter", async () => {
  const store = cli(`
    if (process.argv[3] === "list") console.log("A\\nB");
    if (process.argv[3] === "get") console.log(process.argv[4] === "A" ? "one" : "two\\nlines\\n");`);
  expect(await store.environment()).toEqual({ A: "one", B: "two\nlines\n" });
  await store.setEnvironment({ TOKEN: "hunter2" });
  expect(call()).toMatchObject({ args: ["env", "set", "--force", "TOKEN"], stdin: "hunter2\n" });
  await store.removeEnvironment("TOKEN");
  expect(call().args).toEqual(["env", "remove", "TOKEN"]);
  expect(lines.join()).not.toContain("two");
});
