/** Checks of the existing Vault (or OpenBao). */
import { JOBS } from "../../../contracts/services";
import { vaultRole } from "../../../contracts/identity";
import type { Environment } from "../../../environments/schema";
import type { VaultHealth, VaultMount } from "../../clients/vault";
import { fail, inconclusive, pass, type Check, type Outcome } from "../check";
import { clockOutcome } from "../clock";
import type { DoctorContext } from "../context";
import { ask, type Service } from "../explain";
import { MIN_TOKEN_LIFE, MIN_VAULT, SERVER_CLOCK_SKEW } from "../thresholds";
import { compareVersions } from "../versions";

const TOKEN = "VAULT_TOKEN";
const GIVE_TOKEN = `export ${TOKEN}=<a token that may write mounts, auth methods and policies>`;

interface CheckOptions {
  readonly needs?: readonly string[];
  /** One server, instead of whoever answers at Vault's address. */
  readonly server?: string;
  /** Check that says whether it answers at all. */
  readonly after?: string;
}

export function vaultChecks(env: Environment): Check[] {
  const { address, servers, kvMount, authPath } = env.vault;
  const check = (id: string, title: string, run: (context: DoctorContext) => Promise<Outcome>, { needs = [address], server, after = "vault.answers" }: CheckOptions = {}): Check => ({
    id: `vault.${id}`,
    target: "Vault",
    title,
    needs,
    run: (context) => {
      if (needs.includes(TOKEN) && !context.credentials.vaultToken) return Promise.resolve(inconclusive(`not looked at: ${TOKEN} is not set`, GIVE_TOKEN));
      return ask(service(context, server), () => (needs.includes(TOKEN) ? whileUnsealed(context, run) : run(context)), after === `vault.${id}` ? undefined : after);
    },
  });
  const ofServer = (server: string): CheckOptions => ({ needs: [server], server, after: `vault.${server}.unsealed` });
  const withToken = { needs: [address, TOKEN] };
  return [
    check("answers", "answers at its address", async ({ vault }) => pass(`${address}, version ${(await vault().health()).version}`)),
    ...servers.flatMap((server) => [
      check(`${server}.unsealed`, `${server} unsealed`, async ({ vault }) => sealOutcome(addressOf(env, server), await vault(server).health()), ofServer(server)),
      check(`${server}.version`, `${server} version`, async ({ vault }) => versionOutcome(server, await vault(server).health()), ofServer(server)),
      check(`${server}.clock`, `${server} clock`, async ({ vault }) => clockOutcome((await vault(server).health()).clock, SERVER_CLOCK_SKEW, "identities that Nomad signs would be refused", `On ${server}: timedatectl set-ntp true; on this machine too, if it is the one that is wrong`), ofServer(server)),
    ]),
    check("token", "token of the deploy", (context) => token(env, context), withToken),
    check("mount", `secrets mount ${kvMount}`, async ({ vault }) => mountOutcome(kvMount, await vault().mounts()), withToken),
    check("login", `login ${authPath}`, async ({ vault }) => loginOutcome(authPath, await vault().authMethods()), withToken),
  ];
}

/** Sealed, it answers nothing but its health. */
async function whileUnsealed(context: DoctorContext, run: (context: DoctorContext) => Promise<Outcome>): Promise<Outcome> {
  const { sealed, initialized } = await context.vault().health();
  return sealed || !initialized ? inconclusive("not looked at: Vault is sealed", `Mend vault.${context.env.vault.servers[0]}.unsealed first`) : run(context);
}

function service({ env, credentials }: DoctorContext, server?: string): Service {
  const address = addressOf(env, server);
  return { name: "Vault", address, caVariable: "VAULT_CACERT", caGiven: credentials.vaultCa !== undefined, look: `curl ${address}/v1/sys/health` };
}

/** Of one server, by the scheme and the port that Vault has anyhow. */
function addressOf({ vault }: Environment, server?: string): string {
  const address = new URL(vault.address);
  if (server !== undefined) address.hostname = server;
  return address.origin;
}

export function sealOutcome(address: string, { initialized, sealed, standby }: VaultHealth): Outcome {
  if (!initialized) return fail("is not initialized", `VAULT_ADDR=${address} vault operator init, once; keep the unseal keys apart from each other`);
  if (sealed) return fail("is sealed: no task would get its secrets", `VAULT_ADDR=${address} vault operator unseal, as often as the threshold says`);
  return pass(standby ? "unsealed, standby" : "unsealed, active");
}

/** OpenBao, whose versions begin at 2, knows all that Vault 1.14 did. */
export function versionOutcome(server: string, { version }: VaultHealth): Outcome {
  return compareVersions(version, MIN_VAULT) < 0 ? fail(`${version} is older than ${MIN_VAULT}, the first that takes workload identities as Nomad gives them`, `Upgrade Vault on ${server} to ${MIN_VAULT} or later`) : pass(version);
}

/** What foundation writes, and the right that each takes; enabling an auth method takes sudo too. */
function neededRights({ vault, nomad }: Environment): Readonly<Record<string, readonly string[]>> {
  return {
    [`sys/mounts/${vault.kvMount}`]: ["create", "update"],
    [`sys/auth/${vault.authPath}`]: ["sudo"],
    [`sys/policies/acl/${vaultRole(nomad.namespace, JOBS.api)}`]: ["create", "update"],
    [`auth/${vault.authPath}/config`]: ["create", "update"],
    [`auth/${vault.authPath}/role/${vaultRole(nomad.namespace, JOBS.api)}`]: ["create", "update"],
  };
}

async function token(env: Environment, { vault }: DoctorContext): Promise<Outcome> {
  const own = await vault().ownToken();
  if (!own) return fail("Vault does not know the token", GIVE_TOKEN);
  if (own.ttlSeconds !== undefined && own.ttlSeconds < MIN_TOKEN_LIFE.seconds) return fail(`ends in ${own.ttlSeconds} s, sooner than a first deploy (${MIN_TOKEN_LIFE})`, `vault token renew -increment=${MIN_TOKEN_LIFE}, or log in again`);
  const needed = neededRights(env);
  const has = await vault().capabilities(Object.keys(needed));
  if (!has) return inconclusive("accepted; what it may do could not be seen", `See that it may write: vault token capabilities ${Object.keys(needed)[0]}`);
  const lacking = Object.entries(needed).filter(([path, rights]) => !has[path].includes("root") && !rights.some((right) => has[path].includes(right))).map(([path]) => path);
  return lacking.length > 0 ? fail(`may not write ${lacking.join(", ")}, which foundation does`, `${GIVE_TOKEN}; a policy needs create, update, and sudo for sys/auth/*`) : pass("accepted, may write what foundation writes");
}

const seeMounts = (what: string): Outcome => inconclusive(`the token may not list ${what}`, GIVE_TOKEN);

export function mountOutcome(path: string, mounts: ReadonlyMap<string, VaultMount> | undefined): Outcome {
  if (!mounts) return seeMounts("mounts");
  const mount = mounts.get(path);
  if (!mount) return pass("free: foundation makes it");
  if (mount.type === "kv" && mount.options.version === "2") return pass("is there, KV version 2");
  return fail(`is there, but of type ${mount.type}${mount.type === "kv" ? " version 1" : ""}: secrets are kept in KV version 2`, mount.type === "kv" ? `vault kv enable-versioning ${path}` : "Choose another vault.kvMount in the environment file");
}

export function loginOutcome(path: string, methods: ReadonlyMap<string, VaultMount> | undefined): Outcome {
  if (!methods) return seeMounts("auth methods");
  const method = methods.get(path);
  if (!method) return pass("free: foundation makes it");
  return method.type === "jwt" ? pass("is there, of type jwt") : fail(`is there, but of type ${method.type}: Nomad's workloads log in by jwt`, "Choose another vault.authPath in the environment file");
}
