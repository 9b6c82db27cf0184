/** Everything that a node is given: configuration, certificates, service units, each with where it goes and who may read it. */
import type { Environment } from "../../environments/schema";
import type { NodeTokens } from "../consul/consul-agent-tokens";
import { FILE_MARK } from "./apply/files";
import { consulAgentConfig, consulAgentSecrets } from "./consul-agent";
import { nomadAgentConfig, nomadAgentSecrets, serfKeyring, type Block } from "./nomad-agent";
import type { ClusterNode } from "./node";
import { consulPaths, nomadPaths } from "./paths";
import type { IssuedCertificate } from "./certificates";
import { CONSUL_USER, consulUnit, nomadUnit } from "./units";

export interface BundleFile {
  /** The service that is restarted when the file changes. */
  readonly unit: "nomad" | "consul";
  readonly path: string;
  /** Octal, for example "0640". */
  readonly mode: string;
  /** Owner is always root. */
  readonly group: "root" | typeof CONSUL_USER;
  /** Ends with a newline; may hold Terraform expressions. */
  readonly content: string;
  /** Holds a key or a token: kept out of every readable file and of all output. */
  readonly sensitive: boolean;
}

/** What a node's bundle cannot be made of from the environment. All are Terraform expressions. */
export interface NodeSecrets {
  readonly certificate: IssuedCertificate;
  readonly caCertPem: string;
  /** Serf's keys, each 32 bytes in base64: the one that is used first. */
  readonly gossipKeys: readonly string[];
  /** Consul tokens of the node's two agents. */
  readonly consul: NodeTokens;
}

const json = (block: Block): string => `${JSON.stringify(block, undefined, 2)}\n`;

export function nodeBundle(env: Environment, node: ClusterNode, nodes: readonly ClusterNode[], secrets: NodeSecrets): readonly BundleFile[] {
  const nomad = nomadPaths(env);
  const consul = consulPaths(env);
  const open = { group: "root", mode: "0644", sensitive: false } as const;
  const secret = { group: "root", mode: "0600", sensitive: true } as const;
  return [
    { unit: "consul", ...open, path: consul.unit, content: consulUnit(env, node) },
    { unit: "consul", ...open, path: consul.config, content: json(consulAgentConfig(env, node)) },
    { unit: "consul", ...secret, path: consul.secrets, content: json(consulAgentSecrets(secrets.consul)), group: CONSUL_USER, mode: "0640" },
    { unit: "nomad", ...open, path: nomad.unit, content: nomadUnit(env, node) },
    { unit: "nomad", ...open, path: nomad.config, content: json(nomadAgentConfig(env, node, nodes)) },
    { unit: "nomad", ...secret, path: nomad.secrets, content: json(nomadAgentSecrets({ consulToken: secrets.consul.nomad })) },
    { unit: "nomad", ...secret, path: nomad.keyring, content: serfKeyring(secrets.gossipKeys) },
    { unit: "nomad", ...open, path: nomad.ca, content: secrets.caCertPem },
    { unit: "nomad", ...open, path: nomad.certificate, content: secrets.certificate.cert },
    { unit: "nomad", ...secret, path: nomad.key, content: secrets.certificate.key },
  ];
}

/**
 * The bundle as the text that the apply script unpacks.
 * @throws Error when a file could not be told apart from the text around it, or Terraform would read a template into it
 */
export function bundleText(files: readonly BundleFile[]): string {
  for (const { path, content } of files) {
    if (content.split("\n").some((line) => line.startsWith(`${FILE_MARK} `))) throw new Error(`${path} has a line that begins with "${FILE_MARK}", where the next file of the bundle would begin; write that line otherwise`);
    assertPlain(path, content);
  }
  return files.map(({ unit, mode, group, path, content }) => `${FILE_MARK} ${unit} ${mode} ${group} ${path}\n${content.trimEnd()}\n`).join("");
}

/**
 * Text that goes into a Terraform string as it is must hold no template of
 * Terraform's but cdktf's own tokens: `${x}` would be evaluated, not written.
 * @throws Error that shows the place
 */
export function assertPlain(what: string, text: string): void {
  const template = /\$\{(?!TfToken\[)|%\{/.exec(text);
  if (template) throw new Error(`${what} has "${text.slice(template.index, template.index + 20)}", which Terraform would evaluate instead of writing it; in shell write $name without braces`);
}
