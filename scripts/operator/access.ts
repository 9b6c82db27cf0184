/** How an operator reaches Consul's keys, Nomad's ledger and Vault: by variables, or by what a lab's states hold. */
import { CLUSTER_PORTS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import type { NomadEndpoint } from "../clients/nomad-variables";
import { VaultClient } from "../clients/vault";
import { readCredentials, type Variables } from "../doctor/credentials";
import { labAccess, stackOutputs } from "../lab/access";
import type { Credentials } from "../doctor/context";
import { NomadOperator } from "../drill/nomad";
import { labMachines, publishedAddress } from "../lab/machines";
import { labIdentity } from "../lab/ssh-login";
import { nomadAddresses } from "../lab/status/clients";

export interface ConsulEndpoint {
  /** Of several servers, or one. */
  readonly addresses: readonly string[];
  readonly token: string;
  /** PEM of the authority of its certificate. @default the system's */
  readonly caPem?: string;
}

/** @throws Error that names the variable, or that the lab is not up */
export function operatorConsul(env: Environment, variables: Variables, readFile: (path: string) => string): ConsulEndpoint {
  if (env.lab) {
    const { consul } = labAccess(env);
    const addresses = labMachines(env, env.lab).filter(({ role }) => role === "consul").flatMap((machine) => publishedAddress(machine, CLUSTER_PORTS.consulHttps) ?? []);
    return { addresses: addresses.map((address) => `https://${address}`), token: labToken(env, "operator-consul-token") ?? consul.token, caPem: consul.caPem };
  }
  const { consulToken, consulCa } = readCredentials(variables, readFile);
  if (!consulToken) throw new Error("CONSUL_HTTP_TOKEN is not set, so that neither the owner of the worker could be read nor evidence be recorded; export the cutover operator's token (terraform -chdir=cdktf.out/stacks/cutover output -raw operator-consul-token), and CONSUL_CACERT (PEM file) where its certificate is of an own authority");
  return { addresses: [env.consul.address], token: consulToken, ...(consulCa === undefined ? {} : { caPem: consulCa }) };
}

/** @throws Error that names the variables, or that the lab is not up */
export function operatorNomad(env: Environment, variables: Variables, readFile: (path: string) => string): NomadEndpoint {
  if (env.lab) {
    const { nomad } = labAccess(env);
    const token = labToken(env, "operator-nomad-token");
    if (!nomad || !token) throw new Error("the lab has no stack cutover, so that there is no ledger to write; deploy it with: npm run lab");
    return { ...nomad, token };
  }
  const [token, caFile] = [variables.NOMAD_TOKEN?.trim(), variables.NOMAD_CACERT?.trim()];
  const missing = [...(token ? [] : ["NOMAD_TOKEN (terraform -chdir=cdktf.out/stacks/cutover output -raw operator-nomad-token)"]), ...(caFile ? [] : ["NOMAD_CACERT (a file with: terraform -chdir=cdktf.out/stacks/foundation output -raw nomad-ca)"])];
  if (!token || !caFile) throw new Error(`not set, so that Nomad would not show the cutover's ledger: ${missing.join("; ")}`);
  return { address: env.nomad.address, token, caPem: readFile(caFile) };
}

/**
 * Nomad's jobs and allocations, by NOMAD_TOKEN and NOMAD_CACERT, or by a lab's management token.
 * @param whose the token must be, and what for, for the sentence that says so: "an operator's: terraform …"
 * @throws Error that names the variables, or that the lab is not up
 */
export function operatorJobs(env: Environment, variables: Variables, readFile: (path: string) => string, whose: string): NomadOperator {
  if (env.lab) {
    const { nomad } = labAccess(env);
    if (!nomad) throw new Error("the lab has no Nomad yet; start it with: npm run lab");
    return new NomadOperator(nomadAddresses(labMachines(env, env.lab)), env.nomad.namespace, nomad.token, { ca: nomad.caPem });
  }
  const [token, caFile] = [variables.NOMAD_TOKEN?.trim(), variables.NOMAD_CACERT?.trim()];
  if (!token || !caFile) throw new Error(`NOMAD_TOKEN (${whose}) and NOMAD_CACERT (a file with: terraform -chdir=cdktf.out/stacks/foundation output -raw nomad-ca) are needed, and nothing was done`);
  return new NomadOperator([env.nomad.address], env.nomad.namespace, token, { ca: readFile(caFile) });
}

/**
 * Vault by VAULT_TOKEN and VAULT_CACERT, or a lab's own.
 * @param need what is not had without the token, and of what rights it must be: for the sentence that says so
 * @throws Error that names the variable, or that the lab is not up
 */
export function operatorVault(env: Environment, variables: Variables, readFile: (path: string) => string, need: string): VaultClient {
  if (env.lab) {
    const { address, token, caPem } = labAccess(env).vault;
    return new VaultClient(address, { ca: caPem }, token);
  }
  const { vaultToken, vaultCa } = readCredentials(variables, readFile);
  if (!vaultToken) throw new Error(`VAULT_TOKEN is not set, ${need}, and VAULT_CACERT (PEM file) where its certificate is of an own authority; for the lab: GVFX_ENV=lab`);
  return new VaultClient(env.vault.operatorAddress ?? env.vault.address, { ca: vaultCa }, vaultToken);
}

/** With what `gvfx doctor` looks: the operator's variables, and in a lab that is up its own credentials. */
export function doctorLogin(env: Environment, variables: Variables, readFile: (path: string) => string): { readonly credentials: Credentials; readonly identityFile?: string } {
  const credentials = readCredentials(variables, readFile);
  if (!env.lab || !stackOutputs(env, "lab")) return { credentials };
  const { consul, vault } = labAccess(env);
  return { credentials: { ...credentials, consulToken: consul.token, consulCa: consul.caPem, vaultToken: vault.token, vaultCa: vault.caPem }, identityFile: labIdentity(env) };
}

/** The rights that an operator has, no more: what they do not suffice for shows in a lab. */
function labToken(env: Environment, name: string): string | undefined {
  const value = stackOutputs(env, "cutover")?.[name]?.value;
  return typeof value === "string" ? value : undefined;
}
