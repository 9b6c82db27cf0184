#!/usr/bin/env node
// Builds the platform's own images from a checkout of the app (tv-goldviewfx).
//   node images/build.mjs --source <checkout> --tag <tag> --catalog '{"gold":["XAUTUSDT"],"crypto":["BTC-USDT"]}'
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));

/** The images by name, and the bases of their stages that download packages: build argument and what it is by default. */
export const APP_IMAGES = {
  backend: { BUN_BUILD_IMAGE: "oven/bun:1-debian" },
  frontend: { BUN_BUILD_IMAGE: "oven/bun:1-debian", NODE_BUILD_IMAGE: "node:22-bookworm-slim" },
  "rl-service": { PYTHON_BUILD_IMAGE: "python:3.12-slim-bookworm" },
};

const USAGE = `usage: node images/build.mjs --source <checkout> --tag <tag> [options]
  --only <name>[,<name>]      of ${Object.keys(APP_IMAGES).join(", ")}; default all
  --catalog <JSON>            {"gold":[...],"crypto":[...]}: the environment's markets; the frontend needs it
  --prefix <text>             before the name of an image; default tv-goldviewfx-
  --build-arg <KEY=value>     another base (BUN_IMAGE, NODE_IMAGE, PYTHON_IMAGE and *_BUILD_IMAGE), UV_SYNC_ARGS, UV_VERSION; repeatable
  --ca-file <file>            authorities to trust while packages are downloaded, where a proxy signs TLS anew
  --dry-run                   print the commands, one JSON list a line, and run none`;

/** Build arguments that carry no secret into an image; every other NEXT_PUBLIC_* is refused. */
const MAY_BE_INLINED = ["NEXT_PUBLIC_MARKET_GOLD_PAIRS", "NEXT_PUBLIC_MARKET_CRYPTO_PAIRS"];

/**
 * The docker commands that build the images.
 * @param {{ source: string, tag: string, only?: string[], catalog?: { gold: string[], crypto: string[] }, prefix?: string, buildArgs?: Record<string, string> }} options
 * @throws Error that lists everything that is wrong with the options
 */
export function buildCommands({ source, tag, only = Object.keys(APP_IMAGES), catalog, prefix = "tv-goldviewfx-", buildArgs = {} }) {
  const errors = [
    ...only.filter((name) => !(name in APP_IMAGES)).map((name) => `"${name}" is no image of the app; there are ${Object.keys(APP_IMAGES).join(", ")}`),
    ...(existsSync(join(source, "backend/package.json")) && existsSync(join(source, "bun.lock")) ? [] : [`${source} is no checkout of the app: it has no bun.lock or no backend/package.json; clone tv-goldviewfx and name its folder`]),
    ...(/^[\w][\w.-]{0,127}$/.test(tag ?? "") && tag !== "latest" ? [] : [`"${tag}" is no tag for an image that is deployed; use one that says what is in it, such as the commit`]),
    ...Object.keys(buildArgs).filter((key) => key.startsWith("NEXT_PUBLIC_")).map((key) => `${key} must not be given: browsers download every NEXT_PUBLIC_* value${MAY_BE_INLINED.includes(key) ? "; the pairs come from --catalog" : ""}`),
    ...(only.includes("frontend") ? catalogErrors(catalog) : []),
  ];
  if (errors.length > 0) throw new Error(`cannot build:\n${errors.map((e) => `  ${e}`).join("\n")}`);
  const revision = revisionOf(source);
  // What the builder dates itself: the image, and folders that it makes.
  const committed = commitTimeOf(source);
  return only.map((name) => {
    const dockerfile = join(here, name, "Dockerfile");
    const args = { ...buildArgs, ...(name === "frontend" ? frontendArguments(catalog) : {}), REVISION: revision, ...(committed === undefined ? {} : { SOURCE_DATE_EPOCH: committed }) };
    return { name, image: `${prefix}${name}:${tag}`, args: ["build", "--file", dockerfile, "--tag", `${prefix}${name}:${tag}`, ...Object.entries(args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]), source] };
  });
}

function frontendArguments({ gold, crypto }) {
  return { NEXT_PUBLIC_MARKET_GOLD_PAIRS: gold.join(","), NEXT_PUBLIC_MARKET_CRYPTO_PAIRS: crypto.join(",") };
}

function catalogErrors(catalog) {
  const fits = (pairs) => Array.isArray(pairs) && pairs.length > 0 && pairs.every((pair) => typeof pair === "string" && /^[A-Za-z0-9-]+$/.test(pair));
  return ["gold", "crypto"].filter((section) => !fits(catalog?.[section])).map((section) => `the catalog has no pairs of ${section}: the frontend would show the app's built-in ones; give --catalog with the environment's markets`);
}

/** The commit of a checkout; with -dirty when files differ from it; "unknown" outside git. */
function revisionOf(source) {
  const git = (...args) => spawnSync("git", ["-C", source, ...args], { encoding: "utf8" });
  const head = git("rev-parse", "HEAD");
  if (head.status !== 0) return "unknown";
  return head.stdout.trim() + (git("status", "--porcelain").stdout.trim() ? "-dirty" : "");
}

/** Seconds since 1970 of a checkout's commit; undefined outside git. */
function commitTimeOf(source) {
  const { status, stdout } = spawnSync("git", ["-C", source, "log", "-1", "--format=%ct"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** Bases that trust more authorities, by build argument. Only build stages start from them: what runs trusts what its own base does. */
async function trustingBases(names, caFile, buildArgs, report) {
  const bases = {};
  for (const [argument, standard] of names.flatMap((name) => Object.entries(APP_IMAGES[name]))) {
    if (bases[argument]) continue;
    const base = buildArgs[argument] ?? buildArgs[argument.replace("_BUILD", "")] ?? standard;
    const context = mkdtempSync(join(tmpdir(), "gvfx-base-"));
    try {
      copyFileSync(caFile, join(context, "ca.pem"));
      const file = "/usr/local/share/build-ca.pem";
      bases[argument] = `gvfx-build/${base.replace(/[^a-z0-9]+/gi, "-").toLowerCase()}:trusting`;
      await docker(["build", "--tag", bases[argument], "--file", "-", context], report, `FROM ${base}\nCOPY ca.pem ${file}\nENV NODE_EXTRA_CA_CERTS=${file} SSL_CERT_FILE=${file} PIP_CERT=${file}\n`);
    } finally {
      rmSync(context, { recursive: true, force: true });
    }
  }
  return bases;
}

/**
 * Builds the images, one after the other, and returns their names.
 * @param {Parameters<typeof buildCommands>[0] & { caFile?: string, report?: (line: string) => void }} options `report` gets the builds' output
 */
export async function buildAppImages({ caFile, report = () => undefined, ...options }) {
  const only = options.only ?? Object.keys(APP_IMAGES);
  // Wrong options are told before anything is built.
  buildCommands(options);
  const bases = caFile ? await trustingBases(only, caFile, options.buildArgs ?? {}, report) : {};
  const built = [];
  for (const { image, args } of buildCommands({ ...options, buildArgs: { ...options.buildArgs, ...bases } })) {
    const started = Date.now();
    await docker(args, report);
    report(`${image}  built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    built.push(image);
  }
  return built;
}

async function docker(args, report, input) {
  const child = spawn("docker", args, { stdio: ["pipe", "pipe", "pipe"] });
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      for (const line of text.split("\n").filter((l) => l.trim())) {
        lines.push(line);
        report(line);
      }
    });
  }
  child.stdin.end(input ?? "");
  const code = await new Promise((done, failed) => child.once("error", failed).once("close", done));
  if (code !== 0) throw new Error(`docker ${args.join(" ")} failed:\n${lines.slice(-30).join("\n")}`);
}

function optionsFrom(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      source: { type: "string" }, tag: { type: "string" }, only: { type: "string" }, catalog: { type: "string" }, prefix: { type: "string" },
      "build-arg": { type: "string", multiple: true }, "ca-file": { type: "string" }, "dry-run": { type: "boolean" }, help: { type: "boolean" },
    },
  });
  if (values.help || !values.source || !values.tag) throw new Error(USAGE);
  return {
    source: resolve(values.source),
    tag: values.tag,
    ...(values.only ? { only: values.only.split(",") } : {}),
    ...(values.catalog ? { catalog: JSON.parse(values.catalog) } : {}),
    ...(values.prefix ? { prefix: values.prefix } : {}),
    buildArgs: Object.fromEntries((values["build-arg"] ?? []).map((text) => [text.split("=")[0], text.slice(text.indexOf("=") + 1)])),
    ...(values["ca-file"] ? { caFile: values["ca-file"] } : {}),
    dryRun: values["dry-run"] ?? false,
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  try {
    const { dryRun, ...options } = optionsFrom(process.argv.slice(2));
    if (dryRun) for (const { args } of buildCommands(options)) console.log(JSON.stringify(["docker", ...args]));
    else await buildAppImages({ ...options, report: (line) => console.log(line) });
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
