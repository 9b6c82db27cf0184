#!/usr/bin/env node
/**
 * A double of Docker's program, for tests without an engine: "containers" are
 * processes of this machine that see the host's paths in place of their mounts.
 * It knows the calls that a restore's scripts make, and the images postgres,
 * restic, minio and mc. DOCKER_DOUBLE is the folder with its state; in `calls`
 * it keeps every command line, so that a test sees what others on a node would see.
 */
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const state = process.env.DOCKER_DOUBLE;
const postgresBin = process.env.POSTGRES_BIN;
const [command, ...args] = process.argv.slice(2);
appendFileSync(join(state, "calls"), `${JSON.stringify(process.argv.slice(2))}\n`);

const folder = (name) => join(state, "containers", name);
const load = (name) => (existsSync(join(folder(name), "config.json")) ? JSON.parse(readFileSync(join(folder(name), "config.json"), "utf8")) : undefined);
const all = () => (existsSync(join(state, "containers")) ? readdirSync(join(state, "containers")) : []).map((name) => ({ name, ...load(name) }));
const alive = (name) => !existsSync(join(folder(name), "exit"));
const fail = (text) => {
  process.stderr.write(`${text}\n`);
  process.exit(1);
};
const option = (list, name) => {
  const at = list.indexOf(name);
  return at < 0 ? undefined : list[at + 1];
};

/** Options of `run` that take a value. */
const VALUED = ["--name", "--network", "--log-driver", "--label", "--volume", "--env", "--env-file", "--entrypoint"];

function run() {
  const config = { volumes: [], env: {}, name: `c${process.pid}`, network: "", label: "" };
  let detach = false;
  let entrypoint;
  let at = 0;
  for (; args[at]?.startsWith("--"); at++) {
    const name = args[at];
    if (name === "--detach") detach = true;
    if (!VALUED.includes(name)) continue;
    const value = args[++at];
    if (name === "--volume") config.volumes.push(value.split(":").slice(0, 2));
    if (name === "--env") config.env[value.slice(0, value.indexOf("="))] = value.slice(value.indexOf("=") + 1);
    if (name === "--env-file") for (const line of readFileSync(value, "utf8").split("\n").filter(Boolean)) config.env[line.slice(0, line.indexOf("="))] = line.slice(line.indexOf("=") + 1);
    if (name === "--name") config.name = value;
    if (name === "--network") config.network = value;
    if (name === "--label") config.label = value;
    if (name === "--entrypoint") entrypoint = value;
  }
  const [image, ...rest] = args.slice(at);
  const mounts = [...config.volumes].sort((a, b) => b[1].length - a[1].length);
  const onHost = (text) => mounts.reduce((done, [host, inside]) => (done !== text ? done : text.replace(new RegExp(`(^|[= "'])${inside}(?=$|[/ "'])`, "g"), `$1${host}`)), text);
  // A script's text names several mounts.
  const scriptOnHost = (text) => mounts.reduce((done, [host, inside]) => done.replace(new RegExp(`(^|[= "'])${inside}(?=$|[/ "'])`, "gm"), `$1${host}`), text);
  const env = { PATH: process.env.PATH, ...Object.fromEntries(Object.entries(config.env).map(([name, value]) => [name, onHost(value)])) };
  mkdirSync(folder(config.name), { recursive: true });
  writeFileSync(join(folder(config.name), "config.json"), JSON.stringify(config));
  const done = (status) => {
    rmSync(folder(config.name), { recursive: true, force: true });
    process.exit(status ?? 1);
  };
  if (entrypoint === "restic") return done(spawnSync("restic", rest.map(onHost), { env, stdio: ["ignore", "inherit", "inherit"] }).status);
  if (entrypoint === "/bin/sh") {
    const server = load(config.network.replace("container:", ""));
    return done(spawnSync("/bin/sh", ["-c", scriptOnHost(rest[1])], { env: { ...env, MC_DOUBLE: server.volumes[0][0], MC_DOUBLE_USER: server.env.MINIO_ROOT_USER }, stdio: ["ignore", "inherit", "inherit"] }).status);
  }
  if (!detach) fail(`the double of docker does not know ${image}`);
  if (entrypoint === "minio") {
    mkdirSync(join(config.volumes[0][0], ".minio.sys"), { recursive: true });
    process.stdout.write(`${config.name}\n`);
    return;
  }
  // As the image's entrypoint: the folder becomes Postgres' own.
  const user = process.getuid() === 0 ? "postgres" : "";
  if (user) spawnSync("chown", ["-R", user, env.PGDATA, folder(config.name)]);
  for (const end of user ? [env.PGDATA, folder(config.name)] : []) for (let path = end; path.startsWith(dirname(state)); path = dirname(path)) spawnSync("chmod", ["o+x", path]);
  spawnSync("chmod", ["0700", env.PGDATA]);
  const log = openSync(join(folder(config.name), "log"), "a", 0o666);
  const line = [join(postgresBin, "postgres"), "-D", env.PGDATA, "-k", folder(config.name), ...rest.slice(1).map(onHost)].map((word) => `'${word}'`).join(" ");
  const started = `${line}; echo $? >'${join(folder(config.name), "exit")}'`;
  spawn("setsid", user ? ["setpriv", `--reuid=${user}`, "--regid=postgres", "--clear-groups", "sh", "-c", started] : ["sh", "-c", started], { detached: true, stdio: ["ignore", log, log], env: { PATH: process.env.PATH } }).unref();
  process.stdout.write(`${config.name}\n`);
}

function postmaster(name) {
  const { env, volumes } = load(name);
  const [host, inside] = volumes[0];
  return Number(readFileSync(join(env.PGDATA.replace(inside, host), "postmaster.pid"), "utf8").split("\n")[0]);
}

switch (command) {
  case "info":
  case "pull":
    break;
  case "image":
    break;
  case "run":
    run();
    break;
  case "exec": {
    const rest = args.filter((arg) => arg !== "-i");
    const [name, program, ...more] = rest;
    if (!load(name)) fail(`no container ${name}`);
    const { status } = spawnSync(join(postgresBin, program), more, { stdio: "inherit", env: { PATH: process.env.PATH, PGHOST: folder(name) } });
    process.exit(status ?? 1);
    break;
  }
  case "kill": {
    const name = args.at(-1);
    if (load(name).env.PGDATA) process.kill(postmaster(name), `SIG${option(args, "--signal")}`);
    else writeFileSync(join(folder(name), "exit"), "0");
    break;
  }
  case "wait":
    while (alive(args[0])) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    process.stdout.write(readFileSync(join(folder(args[0]), "exit"), "utf8"));
    break;
  case "inspect":
    process.stdout.write(`${alive(args.at(-1))}\n`);
    break;
  case "logs": {
    const log = join(folder(args.at(-1)), "log");
    process.stdout.write(existsSync(log) ? `${readFileSync(log, "utf8").trimEnd().split("\n").slice(-Number(option(args, "--tail"))).join("\n")}\n` : "");
    break;
  }
  case "rm": {
    for (const name of args.filter((arg) => !arg.startsWith("--"))) {
      const config = load(name);
      if (config?.env.PGDATA && alive(name)) process.kill(postmaster(name), "SIGQUIT");
      rmSync(folder(name), { recursive: true, force: true });
    }
    break;
  }
  case "ps": {
    const filter = option(args, "--filter");
    const format = option(args, "--format");
    const volume = filter?.startsWith("volume=") ? filter.slice("volume=".length) : undefined;
    const label = filter?.startsWith("label=") ? filter.slice("label=".length) : undefined;
    for (const { name, volumes, label: own } of all()) {
      if (volume !== undefined && !(alive(name) && volumes.some(([host]) => host === volume))) continue;
      if (label !== undefined && !(own === label || own.startsWith(`${label}=`))) continue;
      process.stdout.write(`${(format ?? "{{.Names}}").replace(/\{\{\.(Names|ID)\}\}/, name)}\n`);
    }
    break;
  }
  default:
    fail(`the double of docker does not know "${command}"`);
}
