/** How the operator's machine gets at either side's Convex: its address, and its admin key when somebody asks for it. */
import { readFileSync } from "node:fs";
import type { Environment } from "../../../environments/schema";
import { UnexpectedAnswer } from "../../clients/http";
import { runScript } from "../../clients/ssh";
import { VaultClient } from "../../clients/vault";
import { readCredentials, withoutCredentials, type Variables } from "../../doctor/credentials";
import { labAccess } from "../../lab/access";
import { labMachines, publishedAddress } from "../../lab/machines";
import type { Side } from "../../lease/sources";
import { legacyMachine } from "../machines";
import { computeAdminKey, instanceOfAdminKey, openAdminKey, parseInstanceSecret } from "./admin-key";

/** The legacy side's key, where no command on its host prints it. */
export const LEGACY_KEY_VARIABLE = "LEGACY_CONVEX_ADMIN_KEY";
const SECRET_PATH = "data/convex";
const KEY_PATH = "data/convex-admin";
const KEY_FIELD = "CONVEX_ADMIN_KEY";

export interface ConvexAccess {
  readonly side: Side;
  /** Base address as this machine reaches it, without a slash at its end. */
  readonly address: string;
  /**
   * The admin key: asked for once, then kept in memory. It reads and replaces everything; never print it.
   * @throws Error that says which variable, secret or command is missing
   */
  adminKey(): Promise<string>;
  /** Name of the instance: the environment's for nomad, the one that the key names for legacy. */
  instanceName(): Promise<string>;
}

/** The Nomad side's key with where it came from, and its keeping in Vault. */
export interface AdminKeyStore {
  /** Computed from the secret, unless the stored one was made of the same secret. */
  read(): Promise<{ readonly key: string; readonly stored: boolean; readonly issued: Date | undefined }>;
  /** Writes a key beside whatever else is at its path. */
  store(key: string): Promise<void>;
  /** Where it is kept, for sentences. */
  readonly path: string;
}

/** @throws Error when the lab is not up, or its port of Convex is not published */
export async function convexAccess(env: Environment, side: Side, variables: Variables, readFile = (path: string) => readFileSync(path, "utf8")): Promise<ConvexAccess> {
  const asked = once(side === "legacy" ? () => legacyKey(env, variables) : async () => (await adminKeyStore(env, variables, readFile).read()).key);
  return {
    side,
    address: convexAddress(env, side),
    adminKey: asked,
    instanceName: async () => (side === "nomad" ? env.dataPlane.convexInstance : instanceOfAdminKey(await asked())!),
  };
}

/** Where a side's Convex is reached from the operator's machine. @throws Error when a lab does not publish it */
export function convexAddress(env: Environment, side: Side): string {
  const node = env.nodes.find(({ name }) => name === env.dataPlane.node)!;
  const direct = side === "legacy" ? env.legacy.convexUrl.replace(/\/+$/, "") : `http://${node.tailnetAddress}:${env.ports.convex}`;
  if (!env.lab) return direct;
  const name = side === "legacy" ? "legacy" : node.name;
  const { port } = new URL(direct);
  const machine = labMachines(env, env.lab).find((candidate) => candidate.name === name)!;
  const published = publishedAddress(machine, Number(port || 80));
  if (!published) throw new Error(`the lab does not publish port ${port} of ${name}, so that its Convex cannot be reached from here; add it to lab.published in environments/lab.ts and run: npm run lab`);
  return `http://${published}`;
}

/** Keeps a first answer, and asks again after a failure. */
function once(ask: () => Promise<string>): () => Promise<string> {
  let asked: Promise<string> | undefined;
  return () => {
    asked ??= ask().catch((error: unknown) => {
      asked = undefined;
      throw error;
    });
    return asked;
  };
}

async function legacyKey(env: Environment, variables: Variables): Promise<string> {
  const given = variables[LEGACY_KEY_VARIABLE]?.trim();
  if (given) {
    if (instanceOfAdminKey(given) === undefined) throw new Error(`${LEGACY_KEY_VARIABLE} has not the form of an admin key, <instance>|01…; take it from the legacy host, where the image's ./generate_admin_key.sh prints it`);
    return given;
  }
  const { checkout, commands } = env.legacy;
  const { convexAdminKey } = commands as typeof commands & { readonly convexAdminKey?: string };
  if (!convexAdminKey) throw new Error(`${LEGACY_KEY_VARIABLE} is not set, and the environment names no command that prints the key (legacy.commands.convexAdminKey), so that legacy's Convex shows nothing; export the variable, or add the command, for example: docker compose exec -T backend ./generate_admin_key.sh`);
  const lines = await runScript(legacyMachine(env), asLoginUser(checkout, convexAdminKey), { variables: withoutCredentials(variables) });
  // The real script prints a heading before the key.
  const key = lines.map((line) => line.trim()).findLast((line) => instanceOfAdminKey(line) !== undefined);
  if (!key) throw new Error(`"${convexAdminKey}" on the legacy host printed no admin key (<instance>|01…) in ${lines.length} lines; run it there by hand in ${checkout}, or export ${LEGACY_KEY_VARIABLE}`);
  return key;
}

/** runScript becomes root where it may; what belongs to the checkout is run by who owns it. */
function asLoginUser(checkout: string, command: string): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const script = quoted(`cd ${quoted(checkout)} && ${command}`);
  return `if [ -n "\${SUDO_USER:-}" ]; then exec sudo -n -H -u "$SUDO_USER" sh -c ${script} </dev/null; fi\nexec sh -c ${script} </dev/null\n`;
}

/** The Nomad side's key in Vault, by the operator's token (the lab's own in a lab). */
export function adminKeyStore(env: Environment, variables: Variables, readFile = (path: string) => readFileSync(path, "utf8")): AdminKeyStore {
  const vault = vaultOf(env, variables, readFile);
  const { kvMount } = env.vault;
  const instance = env.dataPlane.convexInstance;
  return {
    path: `${kvMount}/${KEY_PATH}`,
    async read() {
      const [secretText, storedKey] = await Promise.all([field(vault, kvMount, SECRET_PATH, "INSTANCE_SECRET"), field(vault, kvMount, KEY_PATH, KEY_FIELD)]);
      if (secretText === DENIED || secretText === undefined) {
        // Whoever may read the key alone takes it as it is.
        if (typeof storedKey === "string") return { key: storedKey, stored: true, issued: undefined };
        throw new Error(secretText === DENIED ? `the token in VAULT_TOKEN may read neither ${kvMount}/${SECRET_PATH} (INSTANCE_SECRET) nor a key in ${kvMount}/${KEY_PATH}; use a token that may read one of them` : `Vault has no INSTANCE_SECRET in ${kvMount}/${SECRET_PATH}, of which the admin key is made; write it, 32 bytes of hex, and deploy Convex with it`);
      }
      const secret = parseInstanceSecret(secretText);
      const opened = typeof storedKey === "string" ? openAdminKey(storedKey, secret) : undefined;
      if (typeof storedKey === "string" && opened?.instance === instance) return { key: storedKey, stored: true, issued: opened.issued };
      const key = computeAdminKey(instance, secret);
      return { key, stored: false, issued: openAdminKey(key, secret)!.issued };
    },
    async store(key) {
      const present = await vault.readSecret(kvMount, KEY_PATH);
      await vault.writeSecret(kvMount, KEY_PATH, { ...present?.fields, [KEY_FIELD]: key }, present?.version ?? 0).catch((error: unknown) => {
        if (error instanceof UnexpectedAnswer && error.status === 403) throw new Error(`the token in VAULT_TOKEN may not write ${kvMount}/${KEY_PATH}; use one that may create and update it`);
        if (error instanceof UnexpectedAnswer && error.status === 400) throw new Error(`${kvMount}/${KEY_PATH} was changed by somebody else meanwhile, and is left alone; run the command again`);
        throw error;
      });
    },
  };
}

const DENIED = Symbol("denied");

async function field(vault: VaultClient, mount: string, path: string, name: string): Promise<string | undefined | typeof DENIED> {
  try {
    return (await vault.readSecret(mount, path))?.fields[name];
  } catch (error) {
    if (error instanceof UnexpectedAnswer && error.status === 403) return DENIED;
    throw error;
  }
}

function vaultOf(env: Environment, variables: Variables, readFile: (path: string) => string): VaultClient {
  if (env.lab) {
    const { address, token, caPem } = labAccess(env).vault;
    return new VaultClient(address, { ca: caPem }, token);
  }
  const { vaultToken, vaultCa } = readCredentials(variables, readFile);
  if (!vaultToken) throw new Error(`VAULT_TOKEN is not set, so that Vault shows no admin key of Convex; export a token that may read ${env.vault.kvMount}/${SECRET_PATH}, and VAULT_CACERT (PEM file) where its certificate is of an own authority; for the lab: GVFX_ENV=lab`);
  return new VaultClient(env.vault.operatorAddress ?? env.vault.address, { ca: vaultCa }, vaultToken);
}
