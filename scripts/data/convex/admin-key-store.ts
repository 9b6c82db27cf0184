/** The Nomad side's admin key: made from the instance secret in Vault, and kept there beside it. */
import { readFileSync } from "node:fs";
import type { Environment } from "../../../environments/schema";
import { UnexpectedAnswer } from "../../clients/http";
import type { VaultClient } from "../../clients/vault";
import type { Variables } from "../../doctor/credentials";
import { operatorVault } from "../../operator/access";
import { computeAdminKey, openAdminKey, parseInstanceSecret } from "./admin-key";

const SECRET_PATH = "data/convex";
const KEY_PATH = "data/convex-admin";
const KEY_FIELD = "CONVEX_ADMIN_KEY";

/** The Nomad side's key with where it came from, and its keeping in Vault. */
export interface AdminKeyStore {
  /** Computed from the secret, unless the stored one was made of the same secret. */
  read(): Promise<{ readonly key: string; readonly stored: boolean; readonly issued: Date | undefined }>;
  /** Writes a key beside whatever else is at its path. */
  store(key: string): Promise<void>;
  /** Where it is kept, for sentences. */
  readonly path: string;
}

/** The Nomad side's key in Vault, by the operator's token (the lab's own in a lab). */
export function adminKeyStore(env: Environment, variables: Variables, readFile = (path: string) => readFileSync(path, "utf8")): AdminKeyStore {
  const vault = operatorVault(env, variables, readFile, `so that Vault shows no admin key of Convex; export a token that may read ${env.vault.kvMount}/${SECRET_PATH}`);
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
      try {
        const present = await vault.readSecret(kvMount, KEY_PATH);
        await vault.writeSecret(kvMount, KEY_PATH, { ...present?.fields, [KEY_FIELD]: key }, present?.version ?? 0);
      } catch (error) {
        if (error instanceof UnexpectedAnswer && error.status === 403) throw new Error(`the token in VAULT_TOKEN may not read and write ${kvMount}/${KEY_PATH}; use one that may read, create and update it`);
        if (error instanceof UnexpectedAnswer && error.status === 400) throw new Error(`${kvMount}/${KEY_PATH} was changed by somebody else meanwhile, and is left alone; run the command again`);
        throw error;
      }
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
