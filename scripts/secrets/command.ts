/** `gvfx secrets`: what Vault must hold is made, asked for, and looked at. No value is ever printed. */
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import password from "@inquirer/password";
import { Command } from "commander";
import { SECRETS, type Secret } from "../../contracts/secrets";
import { JOBS, type JobName } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { Interrupted, INTERRUPTED, uninterrupted } from "../command-line";
import { VaultClient } from "../clients/vault";
import type { Variables } from "../doctor/credentials";
import { operatorVault } from "../operator/access";
import { fillSecrets, putSecrets } from "./fill";
import { operatorRestarter } from "./restarter";
import { restartJobs, rotatable, rotateSecrets, type Restarter } from "./rotate";
import { readPaths, stateOf, type KeyValue } from "./state";
import { exitCodeOf, stateText } from "./text";

export interface SecretsSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** @default standard error */
  readonly complain?: (text: string) => void;
  readonly readFile?: (path: string) => string;
  /** All of standard input. By its descriptor: /dev/stdin cannot be opened where it is a socket. */
  readonly readInput?: () => string;
  /** @default the environment's Vault, by VAULT_TOKEN; a lab's own */
  readonly vault?: (env: Environment) => KeyValue;
  /** Another Vault, by SOURCE_VAULT_TOKEN. */
  readonly otherVault?: (address: string) => Pick<KeyValue, "readSecret">;
  /** @default Nomad's API and Consul's checks, by the operator's variables; a lab's own */
  readonly restarter?: (env: Environment) => Restarter;
  /** Hidden; undefined where nobody can be asked. @default a prompt, where there is a terminal */
  readonly prompt?: ((message: string) => Promise<string>) | undefined;
}

/** Nothing is known, or nothing was done. */
const NOT_DONE = 2;

interface PutFlags {
  readonly file?: string;
  readonly fromVault?: string;
  readonly from?: string;
  readonly overwrite: boolean;
}

export function secretsCommand(environment: () => Environment, surroundings: SecretsSurroundings = {}): Command {
  const { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`), readFile = (path) => readFileSync(path, "utf8"), readInput = () => readFileSync(0, "utf8") } = surroundings;
  const vaultOf = surroundings.vault ?? ((env: Environment) => operatorVault(env, variables, readFile, `so that nobody knows what is there; export one that may read, create and update ${env.vault.kvMount}/*`));
  const restarterOf = surroundings.restarter ?? ((env: Environment) => operatorRestarter(env, variables, readFile));
  const otherVault = surroundings.otherVault ?? ((address: string) => sourceVault(address, variables, readFile));
  const prompt = "prompt" in surroundings ? surroundings.prompt : process.stdin.isTTY ? (message: string) => password({ message, mask: false }) : undefined;

  const asked = async (work: (env: Environment) => Promise<number>): Promise<void> => {
    try {
      process.exitCode = await work(environment());
    } catch (error) {
      complain(error instanceof Error ? error.message : String(error));
      process.exitCode = error instanceof Interrupted ? INTERRUPTED : NOT_DONE;
    }
  };
  const look = async (env: Environment, vault: KeyValue): Promise<number> => {
    const state = stateOf(env, await readPaths(env, vault));
    write(stateText(env.vault.kvMount, state));
    return exitCodeOf(state);
  };

  const command = new Command("secrets").description("what Vault must hold: looked at, made, asked for; no value is ever printed").addHelpText("after", "\nAsks Vault by VAULT_TOKEN, and VAULT_CACERT where its certificate is of an own authority.");

  command
    .command("check")
    .description("say for each job which secrets it lacks")
    .option("--json", "print it as JSON", false)
    .addHelpText("after", "\nExit status: 0 when everything that is required is there, 1 when something is not, 2 when it could not be looked at.")
    .action(({ json }: { readonly json: boolean }) =>
      asked(async (env) => {
        if (!json) return look(env, vaultOf(env));
        const state = stateOf(env, await readPaths(env, vaultOf(env)));
        write(JSON.stringify({ secrets: state.secrets.map(({ secret, ...rest }) => ({ field: secret.field, path: secret.path, readers: secret.readers, origin: secret.origin, ...rest })), missingPaths: state.missingPaths }, null, 2));
        return exitCodeOf(state);
      }),
    );

  command
    .command("init")
    .description("make what is missing and can be made, ask for the rest, and write it to Vault; what is there stays as it is")
    // Not --env-file: Node 20 takes that one for its own wherever it stands, and would read the file into this process's variables.
    .option("--dotenv <path>", "take the app's secrets, and what only a person has, from a file of KEY=value lines, for example legacy's .env; - is standard input")
    .addHelpText("after", "\nOn a terminal it asks, unseen, for what only a person has and no job can do without; an empty answer leaves it out for now.\nExit status: as of check, after it.")
    .action(({ dotenv }: { readonly dotenv?: string }) =>
      asked(async (env) => {
        const inFile = dotenv === undefined ? new Map<string, string>() : secretsIn(textOf(dotenv), nameOfFile(dotenv));
        const vault = vaultOf(env);
        const { written, emptyPaths } = await fillSecrets(env, vault, async ({ field, purpose, origin }, needed) => {
          if (inFile.has(field)) return inFile.get(field);
          if (!prompt || !needed || origin === "generated") return undefined;
          const value = (await prompt(`${field} (${purpose}), or nothing to leave it out:`)).trim();
          return value === "" ? undefined : value;
        });
        if (written.length > 0) complain(`written: ${written.join(", ")}`);
        const kept = [...inFile.keys()].filter((field) => !written.includes(field));
        if (kept.length > 0) complain(`not written, since they are in Vault already, or this token may not look: ${kept.join(", ")}`);
        if (emptyPaths.length > 0) complain(`made, with nothing in them yet: ${emptyPaths.join(", ")}`);
        if (written.includes("BACKUP_KEY")) complain("BACKUP_KEY encrypts every backup, and is nowhere but in Vault: keep a copy where a loss of Vault does not reach");
        return look(env, vault);
      }),
    );

  command
    .command("put")
    .description("write one secret, and what follows from it")
    .argument("<field>", "for example BINGX_API_KEY; `check --json` lists them")
    .option("--file <path>", "its content, without a line break at its end; - is standard input")
    .option("--from-vault <address>", "take it from another Vault, by SOURCE_VAULT_TOKEN (and SOURCE_VAULT_CACERT); with --from")
    .option("--from <mount/path#field>", "where it is there, in a key-value engine of version 2; the field is this one's name when none is named")
    .option("--overwrite", "replace a value that is there", false)
    .addHelpText("after", "\nWithout --file or --from-vault it asks, unseen.\nA job has the new value from its next start on: nothing is restarted.")
    .action((field: string, flags: PutFlags) =>
      asked(async (env) => {
        const secret = secretOf(field);
        const vault = vaultOf(env);
        const { state } = stateOf(env, await readPaths(env, vault)).secrets.find((one) => one.secret.field === field)!;
        if (state === "present" && !flags.overwrite) throw new Error(`${field} is in ${env.vault.kvMount}/${secret.path} already, and was left as it is; --overwrite replaces it, and its readers (${secret.readers.join(", ") || "an operator's commands"}) have the new one from their next start on`);
        const value = await givenValue(field, flags);
        const written = await putSecrets(env, vault, new Map([[secret, value]]));
        complain(`written: ${written.join(", ")}`);
        return 0;
      }),
    );

  command
    .command("rotate")
    .description("put new values in the place of secrets, and restart exactly the jobs that read them, one copy at a time; the worker is handed over")
    .argument("<field...>", "for example API_TOKEN, or BINGX_API_KEY BINGX_SECRET_KEY together")
    .option("--file <path>", "content of the one secret that is named; - is standard input")
    .option("--dotenv <path>", "a file of KEY=value lines that has the new values; - is standard input")
    .addHelpText("after", `\nWhat a program can make, it makes; the rest it asks for, unseen. Beyond Vault it needs NOMAD_TOKEN (an operator's),\nNOMAD_CACERT and CONSUL_HTTP_TOKEN. While copies with the old and the new value run side by side, callers of the API with\nthe other API_TOKEN are refused; a password of Postgres or MinIO interrupts the data plane for its restart.
An interrupt (Ctrl-C) ends it when the restart under way is done; the command that goes on is said.
Exit status: 0 when it is done, 2 when it was refused or failed, ${INTERRUPTED} when interrupted.`)
    .action((fields: readonly string[], { file, dotenv }: { readonly file?: string; readonly dotenv?: string }) =>
      asked(async (env) => {
        const named = rotatable(fields);
        if (file !== undefined && dotenv !== undefined) throw new Error("--file and --dotenv exclude each other");
        if (file !== undefined && fields.length > 1) throw new Error("--file is the content of one secret; name one, or give several by --dotenv, or be asked for each");
        const text = dotenv === undefined ? undefined : textOf(dotenv);
        const madeHere = named.filter((secret) => !isGivenByFile(secret) && (file !== undefined || (text !== undefined && parseEnv(text)[secret.field] !== undefined)));
        if (madeHere.length > 0) throw new Error(`${madeHere.map(({ field }) => field).join(", ")} ${madeHere.length === 1 ? "is" : "are"} made here, in the form that its users take, and the value in ${nameOfFile(file ?? dotenv!)} would not be used; nothing was done. Leave it out there`);
        const inFile = text === undefined ? undefined : secretsIn(text, nameOfFile(dotenv!));
        // Read before an interrupt is waited with: until the value is there, it ends the command.
        const fromFile = file === undefined ? undefined : await givenValue(fields[0], { file, overwrite: true });
        if (inFile) {
          const lacking = named.filter(({ field, origin }) => origin === "operator" && !inFile.has(field));
          if (lacking.length > 0) throw new Error(`${lacking.map(({ field }) => field).join(", ")} ${lacking.length === 1 ? "is" : "are"} not in ${nameOfFile(dotenv!)}, or empty there, and nothing was done; it has ${[...inFile.keys()].join(", ") || "no secret of the app or an operator"}`);
        }
        const given = async ({ field, origin }: Secret): Promise<string | undefined> => inFile?.get(field) ?? fromFile ?? (origin === "generated" ? undefined : givenValue(field, { overwrite: true }));
        const { restarted, scheduled } = await unhurried((checkpoint) => rotateSecrets(fields, { env, vault: vaultOf(env), restarter: restarterOf(env), given, say: complain, checkpoint }));
        complain(`done: ${restarted.length === 0 ? "no job that runs reads it" : `restarted ${restarted.join(", ")}`}${scheduled.length === 0 ? "" : `; ${scheduled.join(", ")} reads it at its next run`}`);
        return 0;
      }),
    );

  command
    .command("restart")
    .description("restart jobs one copy at a time, so that they read their secrets anew: goes on with a rotation that was broken off, or follows a put")
    .argument("<job...>", "for example gvfx-api; the worker is handed over")
    .action((jobs: readonly string[]) =>
      asked(async (env) => {
        const unknown = jobs.filter((job) => !(Object.values(JOBS) as readonly string[]).includes(job));
        if (unknown.length > 0) throw new Error(`${unknown.join(", ")} ${unknown.length === 1 ? "is no job" : "are no jobs"} of the platform; there are ${Object.values(JOBS).join(", ")}`);
        const restarted = await unhurried((checkpoint) => restartJobs(jobs as readonly JobName[], restarterOf(env), complain, checkpoint));
        complain(restarted.length === 0 ? "nothing was restarted: none of them runs, or they read their secrets at every run" : `done: restarted ${restarted.join(", ")}`);
        return 0;
      }),
    );

  async function givenValue(field: string, { file, fromVault, from }: PutFlags): Promise<string> {
    const ways = [file, fromVault].filter((way) => way !== undefined).length;
    if (ways > 1) throw new Error("--file and --from-vault exclude each other");
    if ((fromVault === undefined) !== (from === undefined)) throw new Error("--from-vault and --from belong together: which Vault, and where in it, for example --from-vault https://vault.example.com --from secret/goldviewfx#BINGX_API_KEY");
    const text = file !== undefined ? textOf(file).replace(/\r?\n$/, "") : fromVault !== undefined ? await fromOther(fromVault, from!, field) : await askedFor(field);
    if (text.trim() === "") throw new Error(`${field} would be empty; nothing was written`);
    return text;
  }

  function textOf(path: string): string {
    return path === "-" ? readInput() : readFile(path);
  }

  function unhurried<T>(work: (checkpoint: () => void) => Promise<T>): Promise<T> {
    return uninterrupted(complain, "nothing further was done", work);
  }

  async function askedFor(field: string): Promise<string> {
    if (!prompt) throw new Error(`there is no terminal to ask for ${field}; give it by --file, --file - (standard input), --dotenv or --from-vault`);
    return prompt(`${field}:`);
  }

  async function fromOther(address: string, place: string, field: string): Promise<string> {
    const match = /^([^/]+)\/([^#]+)(?:#(.+))?$/.exec(place);
    if (!match) throw new Error(`"${place}" is no place in a Vault; write <mount>/<path>#<field>, for example secret/goldviewfx#${field}`);
    const [, mount, path, name = field] = match;
    const value = (await otherVault(address).readSecret(mount, path))?.fields[name];
    if (value === undefined) throw new Error(`${address} has no ${name} in ${mount}/${path}; nothing was written`);
    return value;
  }
  return command;
}

function nameOfFile(path: string): string {
  return path === "-" ? "standard input" : path;
}

/**
 * What a file of KEY=value lines has of the app's secrets, and of those that only a person has. API_TOKEN is among them: who calls
 * legacy's API by it goes on with it. Passwords of the data plane are not: legacy's own are other users' in another place.
 */
function secretsIn(text: string, file: string): ReadonlyMap<string, string> {
  const values = parseEnv(text);
  const taken = SECRETS.filter((secret) => isGivenByFile(secret) && values[secret.field]?.trim());
  const doubtful = taken.filter(({ field }) => [...text.matchAll(new RegExp(`^\\s*(?:export\\s+)?${field}\\s*=(.*)$`, "gm"))].some(([, value]) => !isPlain(value.trim())));
  if (doubtful.length > 0) throw new Error(`${doubtful.map(({ field }) => field).join(", ")} in ${file}: with a space, #, $, a quote or a backslash in it, programs read such a line differently, and a wrong value would be seen by nobody; nothing was done. Put the value between single quotes, or leave it out here and give it by: gvfx secrets put ${doubtful[0].field} --file -`);
  return new Map(taken.map(({ field }) => [field, values[field]!]));
}

function isGivenByFile({ origin, path }: Secret): boolean {
  return origin === "operator" || (origin === "generated" && path.startsWith("app/"));
}

/** Whether a shell, Bun, systemd and Node read a value alike: with nothing in it that one of them takes for a comment, a variable or an escape. */
function isPlain(value: string): boolean {
  return /^(?:[^\s#$'"`\\]*|'[^'\\]*'|"[^"$`\\]*")$/.test(value);
}

function secretOf(field: string): Secret {
  const secret = SECRETS.find((one) => one.field === field);
  if (!secret) throw new Error(`${field} is no secret of the platform; there are ${SECRETS.map((one) => one.field).join(", ")}`);
  if (secret.origin === "derived") throw new Error(`${field} follows from other secrets, and is not given: gvfx secrets init makes it`);
  return secret;
}

function sourceVault(address: string, variables: Variables, readFile: (path: string) => string): VaultClient {
  const [token, ca] = [variables.SOURCE_VAULT_TOKEN?.trim(), variables.SOURCE_VAULT_CACERT?.trim()];
  if (!token) throw new Error(`SOURCE_VAULT_TOKEN is not set: a token of ${address} that may read the secret`);
  return new VaultClient(address, { ca: ca ? readFile(ca) : undefined }, token);
}
