/** `gvfx secrets` over a double of Vault's key-value engine. */
import { SECRETS } from "../../contracts/secrets";
import { openAdminKey, parseInstanceSecret } from "../../scripts/data/convex/admin-key";
import { secretsCommand, type SecretsSurroundings } from "../../scripts/secrets/command";
import { environment } from "../jobs/worked-example";
import { KeyValueDouble } from "./vault-double";

let vault: KeyValueDouble;
beforeEach(() => {
  vault = new KeyValueDouble();
});

async function gvfxSecrets(args: readonly string[], surroundings: SecretsSurroundings = {}): Promise<{ readonly said: string; readonly exit: number | undefined }> {
  const lines: string[] = [];
  process.exitCode = undefined;
  try {
    await secretsCommand(() => environment, { variables: {}, write: (text) => lines.push(text), complain: (text) => lines.push(text), vault: () => vault, prompt: undefined, ...surroundings }).parseAsync([...args], { from: "user" });
    const said = lines.join("\n");
    // Whatever is asked of it, no value is ever shown.
    for (const value of vault.values()) expect(said).not.toContain(value);
    return { said, exit: process.exitCode as number | undefined };
  } finally {
    process.exitCode = undefined;
  }
}

const OPERATORS = ["REGISTRY_USERNAME", "REGISTRY_PASSWORD", "ALERT_TOKEN", "BACKUP_S3_KEY_ID", "BACKUP_S3_SECRET_KEY"];
const required = SECRETS.filter((secret) => secret.required || ["BACKUP_S3_KEY_ID", "BACKUP_S3_SECRET_KEY"].includes(secret.field)).map(({ field }) => field);

test("an empty Vault: every job that cannot start is named, with what it lacks and the command that brings it", async () => {
  const { said, exit } = await gvfxSecrets(["check"]);
  expect(exit).toBe(1);
  expect(said).toMatch(/gvfx-postgres cannot do its work without\n(?: {4}.*\n)* {4}POSTGRES_PASSWORD +gvfx\/data\/postgres +missing: gvfx secrets init/);
  expect(said).toMatch(/ALERT_TOKEN +gvfx\/ops\/alert +missing: gvfx secrets put ALERT_TOKEN/);
  expect(said).toMatch(/gvfx-worker may have, and has not/);
  expect(said).toContain(`0 of ${SECRETS.length} secrets are in Vault`);
  expect(vault.writes).toEqual([]);
});

test("init without a terminal makes all that can be made, and says what only a person has", async () => {
  const { said, exit } = await gvfxSecrets(["init"]);
  expect(exit).toBe(1);
  for (const { field, origin } of SECRETS) if (required.includes(field)) expect([field, vault.field(field) !== undefined]).toEqual([field, origin !== "operator"]);
  for (const field of OPERATORS) expect(said).toMatch(new RegExp(`${field} .*gvfx secrets put ${field}`));
  expect(said).toMatch(/BACKUP_KEY encrypts every backup/);
  // A template that reads a path waits for it, for ever: also the worker's, whose secrets are all optional.
  expect(vault.paths.get("app/worker")).toEqual({ fields: {}, version: 1 });
});

test("what follows from others is made of them", async () => {
  await gvfxSecrets(["init"]);
  expect(vault.field("TIMESCALE_URL")).toBe(`postgres://gvfx:${vault.field("APP_DB_PASSWORD")}@gvfx-postgres.service.consul:5432/gvfx`);
  expect(openAdminKey(vault.field("CONVEX_ADMIN_KEY")!, parseInstanceSecret(vault.field("INSTANCE_SECRET")!))?.instance).toBe(environment.dataPlane.convexInstance);
});

test("init on a terminal asks for what only a person has, unseen, and then everything is there; again it asks and writes nothing", async () => {
  const questions: string[] = [];
  const prompt = async (message: string) => {
    questions.push(message);
    return `given-${questions.length}`;
  };
  const { exit } = await gvfxSecrets(["init"], { prompt });
  expect(exit).toBe(0);
  expect(questions.map((question) => question.split(" ")[0]).sort()).toEqual([...OPERATORS].sort());
  const writes = vault.writes.length;
  expect(new Set(vault.writes).size).toBe(writes);
  expect((await gvfxSecrets(["init"], { prompt })).exit).toBe(0);
  expect([vault.writes.length, questions.length]).toEqual([writes, OPERATORS.length]);
});

test("init leaves what is there, and every other field of a path", async () => {
  vault.paths.set("app/trading", { fields: { BINGX_API_KEY: "kept-by-init" }, version: 7 });
  vault.paths.set("data/postgres-app", { fields: { APP_DB_PASSWORD: "also-kept-by-init", "of somebody else": "not-ours-at-all" }, version: 2 });
  await gvfxSecrets(["init"]);
  expect(vault.field("BINGX_API_KEY")).toBe("kept-by-init");
  expect(vault.paths.get("data/postgres-app")!.fields).toEqual({ APP_DB_PASSWORD: "also-kept-by-init", "of somebody else": "not-ours-at-all" });
  expect(vault.field("TIMESCALE_URL")).toContain("also-kept-by-init");
});

test("what follows from a secret that somebody changed is stale, and init makes it anew", async () => {
  await gvfxSecrets(["init"], { prompt: async () => "given-value" });
  const { version } = vault.paths.get("data/postgres-app")!;
  vault.paths.set("data/postgres-app", { fields: { APP_DB_PASSWORD: "changed-by-hand" }, version: version + 1 });
  const { said, exit } = await gvfxSecrets(["check"]);
  expect([exit, /TIMESCALE_URL .*follows from a secret that has changed since: gvfx secrets init/.test(said)]).toEqual([1, true]);
  await gvfxSecrets(["init"]);
  expect(vault.field("TIMESCALE_URL")).toContain("changed-by-hand");
});

test("init takes the app's secrets, and what only a person has, from legacy's .env; what is there stays, and legacy's own data plane is another one", async () => {
  await gvfxSecrets(["put", "BINGX_API_KEY", "--file", "-"], { readInput: () => "in-vault-before" });
  const legacy = ["API_TOKEN=of-legacys-callers", "BINGX_API_KEY=of-legacy", 'TELEGRAM_SESSION="1BQ=="', "BINANCE_API_KEY=", "PORT=8787", "POSTGRES_PASSWORD=of-legacys-postgres", "TIMESCALE_URL=postgres://legacy", "REGISTRY_USERNAME=robot"].join("\n");
  const { said } = await gvfxSecrets(["init", "--dotenv", "/legacy/.env"], { readFile: () => legacy });
  expect(["API_TOKEN", "BINGX_API_KEY", "TELEGRAM_SESSION", "REGISTRY_USERNAME", "BINANCE_API_KEY"].map((field) => vault.field(field))).toEqual(["of-legacys-callers", "in-vault-before", "1BQ==", "robot", undefined]);
  expect([vault.field("POSTGRES_PASSWORD"), vault.field("TIMESCALE_URL")].join()).not.toContain("legacy");
  expect(said).toMatch(/^written: .*TELEGRAM_SESSION.*\nnot written, since they are in Vault already, or this token may not look: BINGX_API_KEY$/m);
});

describe("put", () => {
  const put = (args: readonly string[], surroundings: SecretsSurroundings = {}) => gvfxSecrets(["put", ...args], surroundings);

  test("asks, unseen", async () => {
    expect((await put(["ALERT_TOKEN"], { prompt: async () => "typed-unseen" })).exit).toBe(0);
    expect(vault.field("ALERT_TOKEN")).toBe("typed-unseen");
  });

  test("reads a file, without the line break at its end", async () => {
    await put(["ALERT_TOKEN", "--file", "/secret"], { readFile: () => "from-a-file\n" });
    expect(vault.field("ALERT_TOKEN")).toBe("from-a-file");
  });

  test("takes it from another Vault, by the same field name or another", async () => {
    const otherVault = () => ({ readSecret: async (mount: string, path: string) => (mount === "secret" && path === "trading/bingx" ? { fields: { BINGX_API_KEY: "from-another-vault", key: "by-another-name" }, version: 3 } : undefined) });
    await put(["BINGX_API_KEY", "--from-vault", "https://other.example.com", "--from", "secret/trading/bingx"], { otherVault });
    expect(vault.field("BINGX_API_KEY")).toBe("from-another-vault");
    await put(["BINGX_API_KEY", "--overwrite", "--from-vault", "https://other.example.com", "--from", "secret/trading/bingx#key"], { otherVault });
    expect(vault.field("BINGX_API_KEY")).toBe("by-another-name");
    const { said, exit } = await put(["BINGX_SECRET_KEY", "--from-vault", "https://other.example.com", "--from", "secret/trading/bingx"], { otherVault });
    expect([exit, said]).toEqual([2, "https://other.example.com has no BINGX_SECRET_KEY in secret/trading/bingx; nothing was written"]);
  });

  test("writes also what follows from it", async () => {
    await put(["APP_DB_PASSWORD", "--file", "-"], { readInput: () => "of-the-app" });
    expect(vault.field("TIMESCALE_URL")).toContain("of-the-app");
  });

  test.each<[string, readonly string[], SecretsSurroundings, RegExp]>([
    ["a field that there is not", ["ALERT_TOKN"], {}, /ALERT_TOKN is no secret of the platform; there are .*ALERT_TOKEN/],
    ["one that follows from others", ["TIMESCALE_URL"], {}, /follows from other secrets, and is not given: gvfx secrets init/],
    ["nobody to ask", ["ALERT_TOKEN"], {}, /no terminal to ask for ALERT_TOKEN; give it by --file/],
    ["nothing given", ["ALERT_TOKEN", "--file", "-"], { readInput: () => "\n" }, /ALERT_TOKEN would be empty; nothing was written/],
    ["two ways at once", ["ALERT_TOKEN", "--file", "-", "--from-vault", "https://a", "--from", "a/b"], {}, /exclude each other/],
    ["another Vault without a place in it", ["ALERT_TOKEN", "--from-vault", "https://a"], {}, /--from-vault and --from belong together/],
    ["a place that is none", ["ALERT_TOKEN", "--from-vault", "https://a", "--from", "b"], {}, /"b" is no place in a Vault; write <mount>\/<path>#<field>/],
    ["another Vault without its token", ["ALERT_TOKEN", "--from-vault", "https://a", "--from", "b/c"], {}, /SOURCE_VAULT_TOKEN is not set/],
  ])("%s: refused, and nothing is written", async (_what, args, surroundings, message) => {
    const { said, exit } = await put(args, surroundings);
    expect([exit, vault.writes]).toEqual([2, []]);
    expect(said).toMatch(message);
  });

  test("a value that is there is replaced only when told so", async () => {
    vault.paths.set("ops/alert", { fields: { ALERT_TOKEN: "the-one-before" }, version: 1 });
    const { said, exit } = await put(["ALERT_TOKEN"], { prompt: async () => "the-one-after" });
    expect([exit, vault.field("ALERT_TOKEN")]).toEqual([2, "the-one-before"]);
    expect(said).toMatch(/is in gvfx\/ops\/alert already.*--overwrite.*gvfx-guardian/);
    await put(["ALERT_TOKEN", "--overwrite"], { prompt: async () => "the-one-after" });
    expect(vault.field("ALERT_TOKEN")).toBe("the-one-after");
  });
});

test("a path that somebody else changes meanwhile is left alone", async () => {
  vault.racedAt = "ops/alert";
  const { said, exit } = await gvfxSecrets(["put", "ALERT_TOKEN"], { prompt: async () => "mine-is-late" });
  expect([exit, vault.field("ALERT_TOKEN")]).toEqual([2, undefined]);
  expect(said).toMatch(/gvfx\/ops\/alert was changed by somebody else meanwhile/);
});

test("what the token may not read is said, and never written over", async () => {
  for (const { path } of SECRETS) vault.unreadable.add(path);
  expect((await gvfxSecrets(["check"])).exit).toBe(2);
  const { said } = await gvfxSecrets(["put", "ALERT_TOKEN"], { prompt: async () => "over-the-unknown" });
  expect(said).toMatch(/may not read gvfx\/ops\/alert, whose other fields would be lost/);
  expect(vault.writes).toEqual([]);
});

test("--json has no value either, and names each secret", async () => {
  await gvfxSecrets(["init"]);
  const { said } = await gvfxSecrets(["check", "--json"]);
  const { secrets } = JSON.parse(said) as { secrets: { field: string; state: string }[] };
  expect(secrets.map(({ field }) => field)).toEqual(SECRETS.map(({ field }) => field));
  expect(secrets.find(({ field }) => field === "ALERT_TOKEN")!.state).toBe("missing");
});
