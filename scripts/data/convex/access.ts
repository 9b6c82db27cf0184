/** How the operator's machine gets at either side's Convex: its address, and its admin key when somebody asks for it. */
import { readFileSync } from "node:fs";
import type { Environment } from "../../../environments/schema";
import { runScript } from "../../clients/ssh";
import { withoutCredentials, type Variables } from "../../doctor/credentials";
import { labMachines, publishedAddress } from "../../lab/machines";
import type { Side } from "../../lease/sources";
import { legacyMachine } from "../machines";
import { instanceOfAdminKey } from "./admin-key";
import { adminKeyStore } from "./admin-key-store";

/** The legacy side's key, where no command on its host prints it. */
export const LEGACY_KEY_VARIABLE = "LEGACY_CONVEX_ADMIN_KEY";

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
  const { convexAdminKey } = commands;
  if (!convexAdminKey) throw new Error(`${LEGACY_KEY_VARIABLE} is not set, and the environment names no command that prints the key (legacy.commands.convexAdminKey), so that legacy's Convex shows nothing; export the variable, or add the command, for example: docker compose exec -T backend ./generate_admin_key.sh`);
  const lines = await runScript(legacyMachine(env), asLoginUser(checkout, convexAdminKey), { variables: withoutCredentials(variables) });
  // The real script prints a heading before the key.
  const key = lines.map((line) => line.trim()).findLast((line) => instanceOfAdminKey(line) !== undefined);
  if (!key) throw new Error(`"${convexAdminKey}" on the legacy host printed no admin key (<instance>|01…) in ${lines.length} lines; run it there by hand in ${checkout}, or export ${LEGACY_KEY_VARIABLE}`);
  return key;
}

/** runScript becomes root where it may; what belongs to the checkout is run by who owns it. */
export function asLoginUser(checkout: string, command: string): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const script = quoted(`cd ${quoted(checkout)} && ${command}`);
  return `if [ -n "\${SUDO_USER:-}" ]; then exec sudo -n -H -u "$SUDO_USER" sh -c ${script} </dev/null; fi\nexec sh -c ${script} </dev/null\n`;
}
