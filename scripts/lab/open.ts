/** `gvfx lab open`: where to look inside, and with what. Tokens are shown only when they are asked for. */
import type { Command } from "commander";
import type { Environment, Lab } from "../../environments/schema";
import { labAccess, type LabAccess } from "./access";
import { labMachines, publishedAddress } from "./machines";
import { sshEntrances, writeSshLogin } from "./ssh-login";
import { writeCa } from "./terraform";

/** PEM files of the two authorities. */
export interface CaFiles {
  /** Of Consul and OpenBao. */
  readonly lab: string;
  /** Of Nomad; undefined until foundation is deployed. */
  readonly nomad: string | undefined;
}

export interface OpenSurroundings {
  readonly environment: () => { readonly env: Environment; readonly lab: Lab };
  readonly write: (text: string) => void;
  /** @default that of the states */
  readonly access?: (env: Environment) => LabAccess;
  /** Writes a PEM file and returns its path. @default into .gvfx/lab/ca */
  readonly writeCaFile?: (name: string, pem: string) => string;
  /** Writes what ssh logs in with and returns its options. @default into .gvfx/lab/ssh */
  readonly writeSsh?: (env: Environment, lab: Lab, access: LabAccess) => string[];
}

/** URLs of everything that is published, and what else is needed to open them. */
export function entrancesText(env: Environment, lab: Lab, access: LabAccess, ca: CaFiles, { tokens, ssh }: { readonly tokens: boolean; readonly ssh: readonly string[] }): string {
  const machines = labMachines(env, lab);
  const on = (name: string, port: number): string | undefined => {
    const machine = machines.find((candidate) => candidate.name === name);
    return machine && publishedAddress(machine, port);
  };
  const nodes = env.nodes.map(({ name }) => name);
  const onNodes = (port: number): string => nodes.flatMap((name) => on(name, port) ?? []).map((address) => `http://${address}`).join("  ") || "not published";
  const shown = (token: string | undefined): string => (token === undefined ? "not deployed yet" : tokens ? token : "shown by --tokens");
  const rows: readonly (readonly [string, string, string])[] = [
    ["frontend", onNodes(env.ports.frontend), ""],
    ["API", onNodes(env.ports.api), ""],
    ["Nomad", `${env.nomad.address}/ui`, `token ${shown(access.nomad?.token)}`],
    ["Consul", `${env.consul.address}/ui`, `token ${shown(access.consul.token)}`],
    ["OpenBao", `${access.vault.address}/ui`, `token ${shown(access.vault.token)}`],
    ["registry", `http://${on("registry", Number(env.images.registry.host.split(":")[1] ?? 5000)) ?? "not published"}/v2/_catalog`, ""],
    ["exchange (double)", `http://${on("exchange", lab.exchange.port) ?? "not published"}`, ""],
    ["alerts (double)", `http://${on("exchange", lab.exchange.alertsPort) ?? "not published"}`, ""],
  ];
  const [names, urls] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return [
    ...rows.map(([name, url, token]) => `  ${name.padEnd(names)}  ${url.padEnd(urls)}  ${token}`.trimEnd()),
    "",
    "Certificates are signed by the lab's own authorities. In a browser: accept the warning once, or import these",
    "files in a profile that you use for the lab alone. Programs take them as --cacert or by: eval \"$(npm run -s gvfx -- lab open --env)\"",
    `  Consul, OpenBao  ${ca.lab}`,
    `  Nomad            ${ca.nomad ?? "not deployed yet"}`,
    "",
    "By shell: npm run gvfx -- lab exec server-1 -- bash; as a user's device: npm run gvfx -- lab exec device -- bash",
    "By SSH, as foundation delivers to the nodes:",
    ...sshEntrances(env, lab).map(({ user, host, port, machine }) => `  ${machine.padEnd(8)}  ssh ${ssh.join(" ")} -p ${port} ${user}@${host}`),
  ].join("\n");
}

/** Shell exports for nomad, consul, vault and bao; they hold tokens. */
export function shellExports(env: Environment, access: LabAccess, ca: CaFiles): string {
  const { nomad, consul, vault } = access;
  const variables: Readonly<Record<string, string | undefined>> = {
    NOMAD_ADDR: nomad?.address,
    NOMAD_TOKEN: nomad?.token,
    NOMAD_CACERT: ca.nomad,
    NOMAD_NAMESPACE: nomad && env.nomad.namespace,
    CONSUL_HTTP_ADDR: consul.address,
    CONSUL_HTTP_TOKEN: consul.token,
    CONSUL_CACERT: ca.lab,
    ...Object.fromEntries(["VAULT", "BAO"].flatMap((name) => [[`${name}_ADDR`, vault.address], [`${name}_TOKEN`, vault.token], [`${name}_CACERT`, ca.lab]])),
  };
  return Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [`export ${name}='${value.replaceAll("'", `'\\''`)}'`])).join("\n");
}

export function registerOpen(lab: Command, { environment, write, access = labAccess, writeCaFile = writeCa, writeSsh = writeSshLogin }: OpenSurroundings): void {
  lab
    .command("open")
    .description("URLs of the UIs and APIs, and how to trust and log in to them")
    .option("--tokens", "show the tokens too", false)
    .option("--env", "print shell exports instead, tokens included, for nomad, consul, vault and bao", false)
    .action(({ tokens, env: exports }: { readonly tokens: boolean; readonly env: boolean }) => {
      const { env, lab: section } = environment();
      const credentials = access(env);
      const ca: CaFiles = { lab: writeCaFile("lab", credentials.consul.caPem), nomad: credentials.nomad && writeCaFile("nomad", credentials.nomad.caPem) };
      write(exports ? shellExports(env, credentials, ca) : entrancesText(env, section, credentials, ca, { tokens, ssh: writeSsh(env, section, credentials) }));
    });
}
