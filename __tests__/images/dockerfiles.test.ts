import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FORBIDDEN_KEYS } from "../../contracts/env";
import { catalogBuildArguments, DEFAULT_CATALOG } from "../../contracts/markets";

const images = join(__dirname, "../../images");
const names = ["backend", "frontend", "rl-service"];

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** Instructions of a Dockerfile, with lines that go on joined and comments left out. */
function instructions(text: string): Instruction[] {
  const joined = text.split("\n").filter((line) => !/^\s*#/.test(line)).join("\n").replace(/\\\n/g, " ");
  return joined.split("\n").filter((line) => line.trim()).map((line) => ({ name: line.split(" ")[0], rest: line.slice(line.indexOf(" ") + 1).trim() }));
}

/** What is wrong with a Dockerfile of the platform. */
function faults(text: string): string[] {
  const all = instructions(text);
  const last = all.map((i) => i.name).lastIndexOf("FROM");
  const final = all.slice(last);
  const defaults = new Map(all.slice(0, all.findIndex((i) => i.name === "FROM")).filter((i) => i.name === "ARG").map((i) => [i.rest.split("=")[0], i.rest.split("=")[1] ?? ""]));
  const bases = all.filter((i) => i.name === "FROM").map((i) => i.rest.split(" ")[0]);
  const user = final.filter((i) => i.name === "USER").at(-1)?.rest;
  return [
    ...bases.filter((base) => !/^\$\{\w+\}$/.test(base) || !defaults.has(base.slice(2, -1))).map((base) => `base ${base} cannot be given by digest: no ARG before the first FROM`),
    ...[...defaults].filter(([, base]) => !/:[\w.-]+$/.test(base) || base.endsWith(":latest")).map(([key, base]) => `${key} is ${base}: no version`),
    ...(user && /^[1-9]\d*(:\d+)?$/.test(user) ? [] : [`runs as ${user ?? "root"}: an engine can tell a number from root, and nothing else`]),
    ...["revision", "source"].filter((label) => !final.some((i) => i.name === "LABEL" && i.rest.includes(`org.opencontainers.image.${label}=`))).map((label) => `no label ${label}`),
    ...Object.keys(FORBIDDEN_KEYS).filter((key) => text.includes(key)).map((key) => `names ${key}`),
    ...all.filter((i) => ["ARG", "ENV"].includes(i.name) && /TOKEN|SECRET|PASSWORD|API_KEY/.test(i.rest)).map((i) => `${i.name} ${i.rest}: a secret would stay in the image`),
    ...all.filter((i) => i.name === "COPY" && /^\. /.test(i.rest)).map((i) => `COPY ${i.rest}: takes whatever a developer's folder holds`),
    ...final.filter((i) => i.name === "COPY" && !i.rest.startsWith("--from=")).map((i) => `COPY ${i.rest}: keeps the dates of a checkout, so that the same content is another layer`),
    ...final.filter((i) => i.name === "COPY").flatMap((i) => /^--from=(\w+)/.exec(i.rest)?.[1] ?? []).filter((stage) => !datesAreSet(all, stage)).map((stage) => `stage ${stage} ends with the dates of today, so that the same content is another layer`),
    ...(final.some((i) => i.name === "CMD" && i.rest.startsWith("[")) ? [] : ["no CMD as a list: a shell would not pass SIGTERM on"]),
  ];
}

/** Whether the last thing that a stage does is to give its files one date. */
function datesAreSet(all: readonly Instruction[], stage: string): boolean {
  const from = all.findIndex((i) => i.name === "FROM" && i.rest.endsWith(` AS ${stage}`));
  const next = all.findIndex((i, index) => index > from && i.name === "FROM");
  return from >= 0 && /find \S+ -exec touch --no-dereference --date=\S+ \{\} \+$/.test(all.slice(from, next).filter((i) => i.name === "RUN").at(-1)?.rest ?? "");
}

const read = (name: string): string => readFileSync(join(images, name, "Dockerfile"), "utf8");

describe("Dockerfiles of the platform", () => {
  it("are one for each image", () => {
    expect(readdirSync(images, { withFileTypes: true }).filter((e) => e.isDirectory()).map((e) => e.name).sort()).toEqual(names);
  });

  it.each(names)("%s keeps the rules", (name) => {
    expect(faults(read(name))).toEqual([]);
  });

  it.each([
    ["a base without a version", "BUN_IMAGE=oven/bun:1-debian", "BUN_IMAGE=oven/bun:latest", "no version"],
    ["a base that cannot be pinned", "FROM ${BUN_IMAGE}\n", "FROM oven/bun:1-debian\n", "cannot be given by digest"],
    ["root", "USER 1000:1000\n", "", "runs as root"],
    ["root by name", "USER 1000:1000", "USER bun", "runs as bun"],
    ["the token of the browsers", "EXPOSE 8787", "ARG NEXT_PUBLIC_API_TOKEN", "names NEXT_PUBLIC_API_TOKEN"],
    ["a secret", "EXPOSE 8787", "ENV API_TOKEN=x", "a secret would stay"],
    ["everything of a folder", "COPY backend/src /source/app/src", "COPY . /source/app", "whatever a developer's folder holds"],
    ["a shell as the command", 'CMD ["bun", "run", "src/api/server.ts"]', "CMD bun run src/api/server.ts", "would not pass SIGTERM on"],
    ["dates of a checkout", "COPY --from=source /source/ /", "COPY backend/src /app/src", "keeps the dates of a checkout"],
    ["dates of today", "&& find /packages -exec touch --no-dereference --date=2020-01-01T00:00:00Z {} +", "&& true", "dependencies ends with the dates of today"],
    ["no revision", "org.opencontainers.image.revision=${REVISION}", "x=y", "no label revision"],
  ])("the rules find %s", (_what, from, to, fault) => {
    const planted = read("backend").replace(from, to);
    expect(planted).not.toBe(read("backend"));
    expect(faults(planted).join("\n")).toContain(fault);
  });

  it("packages are installed before the source is copied, so that they are built once", () => {
    for (const [name, install, source] of [["backend", "bun install --frozen-lockfile", "COPY backend/src"], ["frontend", "bun install --frozen-lockfile", "COPY frontend ./frontend"], ["rl-service", "uv sync --frozen", "COPY backend/rl-service/src"]]) {
      const text = read(name);
      expect(text.indexOf(install)).toBeGreaterThan(0);
      expect(text.indexOf(source)).toBeGreaterThan(text.indexOf(install));
    }
  });

  it("the frontend is built without a developer's own settings, and not without the catalog", () => {
    const build = instructions(read("frontend")).find((i) => i.name === "RUN" && i.rest.includes("next build"));
    expect(build?.rest).toMatch(/rm -f \.env\*.*next build/);
    for (const key of Object.keys(catalogBuildArguments(DEFAULT_CATALOG))) expect(build?.rest).toContain(`test -n "$${key}"`);
  });
});

describe("images/build.mjs", () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-images-"));
  const checkout = join(folder, "app");
  const run = (...args: string[]) => spawnSync(process.execPath, [join(images, "build.mjs"), "--dry-run", ...args], { encoding: "utf8" });

  beforeAll(() => {
    mkdirSync(join(checkout, "backend"), { recursive: true });
    writeFileSync(join(checkout, "bun.lock"), "");
    writeFileSync(join(checkout, "backend/package.json"), "{}");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("gives the frontend the arguments that the catalog makes", () => {
    const { stdout, stderr } = run("--source", checkout, "--tag", "abc", "--catalog", JSON.stringify(DEFAULT_CATALOG), "--prefix", "gvfx-lab/app-");
    expect(stderr).toBe("");
    const commands = stdout.trim().split("\n").map((line) => JSON.parse(line) as string[]);
    expect(commands.map((c) => c[c.indexOf("--tag") + 1])).toEqual(names.map((name) => `gvfx-lab/app-${name}:abc`));
    for (const [key, value] of Object.entries(catalogBuildArguments(DEFAULT_CATALOG))) {
      expect(commands[1]).toContain(`${key}=${value}`);
      expect(commands[0].join(" ")).not.toContain(key);
    }
    expect(commands[0]).toContain("REVISION=unknown");
  });

  it("names the commit, and says when the files are not that commit's", () => {
    const git = (...args: string[]) => execFileSync("git", ["-C", checkout, "-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { encoding: "utf8" });
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "first");
    const head = git("rev-parse", "HEAD").trim();
    expect(run("--source", checkout, "--tag", "abc", "--only", "backend").stdout).toContain(`"REVISION=${head}"`);
    writeFileSync(join(checkout, "bun.lock"), "changed");
    expect(run("--source", checkout, "--tag", "abc", "--only", "backend").stdout).toContain(`"REVISION=${head}-dirty"`);
  });

  it("says everything that is wrong before it builds anything", () => {
    const { status, stderr } = run("--source", folder, "--tag", "latest", "--only", "frontend,api", "--build-arg", "NEXT_PUBLIC_API_TOKEN=x");
    expect(status).toBe(1);
    for (const text of ['"api" is no image of the app', "is no checkout of the app", '"latest" is no tag', "NEXT_PUBLIC_API_TOKEN must not be given", "no pairs of gold", "no pairs of crypto"]) expect(stderr).toContain(text);
  });
});
