/** docs/foundation.md: what foundation is said to contain, with the Terraform address of each thing. */

/** Terraform JSON of a stack, as far as addresses need it. */
export interface Addressed {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly data?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly output?: Readonly<Record<string, unknown>>;
}

interface Row {
  readonly thing: string;
  /** What an address begins with, `data.` included. */
  readonly addresses: readonly string[];
}

export const FOUNDATION_ROWS: readonly Row[] = [
  { thing: "Tailnet policy: tags, grants, tests; merged into the operator's at plan time", addresses: ["tailscale_acl.tailnet_policy", "data.tailscale_acl.tailnet_live-policy"] },
  { thing: "The policy as it was found, for the way back", addresses: ["terraform_data.tailnet_policy-as-found"] },
  { thing: "Tags of the existing nodes", addresses: ["tailscale_device_tags.tailnet_tags", "data.tailscale_device.tailnet_device"] },
  { thing: "No key expiry on the nodes", addresses: ["tailscale_device_key.tailnet_key"] },
  { thing: "Split DNS for Consul's domain", addresses: ["tailscale_dns_split_nameservers.tailnet_consul-dns"] },
  { thing: "Witness auth key: single-use, tagged, preauthorized", addresses: ["tailscale_tailnet_key.tailnet_witness-key"] },
  { thing: "Vultr witness, with cloud-init that installs pinned Tailscale and Nomad and joins", addresses: ["vultr_instance.witness_machine_instance", "data.vultr_os.witness_machine_os"] },
  { thing: "Firewall that admits no public TCP", addresses: ["vultr_firewall_group.witness_machine_firewall", "vultr_firewall_rule.witness_machine_tailscale", "data.vultr_firewall_group.witness_machine_admitted"] },
  { thing: "The witness's SSH host key, known before the machine is made", addresses: ["tls_private_key.witness_machine_host-key"] },
  { thing: "The witness's tailnet address, read back", addresses: ["data.tailscale_device.witness_device", "terraform_data.witness_device_address"] },
  { thing: "Consul's gossip key and authority for the witness, from node to node", addresses: ["terraform_data.witness_consul-trust_delivery"] },
  { thing: "Certificate authority", addresses: ["tls_private_key.pki_ca-key", "tls_self_signed_cert.pki_ca"] },
  { thing: "Server and client certificates: one for both roles of a node", addresses: ["tls_private_key.pki_", "tls_cert_request.pki_", "tls_locally_signed_cert.pki_"] },
  { thing: "Gossip key", addresses: ["random_bytes.pki_gossip"] },
  { thing: "Node bundles, first start: every server that does not run", addresses: ["terraform_data.nodes_start"] },
  { thing: "Node bundles, one node at a time, each with a healthy quorum before and after", addresses: ["terraform_data.nodes_turn"] },
  { thing: "ACL bootstrap with a secret that no plan or apply prints", addresses: ["random_bytes.acl_secret", "terraform_data.acl_bootstrap", "output.management-token"] },
  { thing: "Namespace", addresses: ["nomad_namespace.access_namespace"] },
  { thing: "Scheduler configuration", addresses: ["nomad_scheduler_config.access_scheduler"] },
  { thing: "ACL policies and roles: deployer, operator, reader, guardian", addresses: ["nomad_acl_policy.access_policy", "nomad_acl_role.access_role"] },
  { thing: "Least-privilege tokens", addresses: ["nomad_acl_token.access_token", "output.deployer-token", "output.operator-token", "output.reader-token", "output.guardian-token"] },
  { thing: "What jobs may do in Nomad: variables, the guardian its evaluations, and the backup its snapshot", addresses: ["nomad_acl_policy.access_variables", "nomad_acl_policy.access_ledger", "nomad_acl_policy.access_status"] },
  { thing: "KV version 2 mount", addresses: ["vault_mount.vault-workloads_kv"] },
  { thing: "Vault JWT auth for Nomad workload identity", addresses: ["vault_jwt_auth_backend.vault-workloads_login"] },
  { thing: "One Vault role and policy a job, bound to namespace and job id", addresses: ["vault_jwt_auth_backend_role.vault-workloads_role", "vault_policy.vault-workloads_policy"] },
  { thing: "Vault policy for whoever writes the secrets", addresses: ["vault_policy.vault-workloads_operator"] },
  { thing: "Consul JWT auth method", addresses: ["consul_acl_auth_method.consul-workloads_login"] },
  { thing: "One Consul binding rule, role and policy a job that registers a service", addresses: ["consul_acl_binding_rule.consul-workloads", "consul_acl_role.consul-workloads", "consul_acl_policy.consul-workloads"] },
  { thing: "Consul tokens of each node's agents", addresses: ["consul_acl_policy.consul-agents", "consul_acl_token.consul-agents", "data.consul_acl_token_secret_id.consul-agents"] },
  { thing: "What crosses to the next stacks, and what tools are told to trust: the authority's certificate, which is public", addresses: ["output.cross-stack-output", "output.nomad-ca"] },
];

/** Every address of a stack: resources, data sources and outputs. */
export function addressesOf(stack: Addressed): string[] {
  const of = (prefix: string, types: Addressed["resource"]) => Object.entries(types ?? {}).flatMap(([type, names]) => Object.keys(names).map((name) => `${prefix}${type}.${name}`));
  return [...of("", stack.resource), ...of("data.", stack.data), ...Object.keys(stack.output ?? {}).map((name) => `output.${name}`)].sort();
}

/** Addresses that a row names; the longest prefix of all rows wins, so that a row can be an exception of another. */
export function rowAddresses(row: Row, all: readonly string[]): string[] {
  const owner = (address: string) => FOUNDATION_ROWS.flatMap((r) => r.addresses.map((prefix) => ({ r, prefix }))).filter(({ prefix }) => address.startsWith(prefix)).sort((a, b) => b.prefix.length - a.prefix.length)[0]?.r;
  return all.filter((address) => owner(address) === row);
}

export function foundationPage(stack: Addressed): string {
  const all = addressesOf(stack);
  return [
    "# What foundation contains",
    "",
    "Each thing that the design names, with its Terraform address in production: for `terraform state show`, `-target` in an emergency, and reading a plan. Legacy's lease and the cutover operator's identity are in the cutover stack.",
    "",
    "| thing | Terraform address |",
    "|---|---|",
    ...FOUNDATION_ROWS.map((row) => `| ${row.thing} | ${rowAddresses(row, all).map((address) => `\`${address}\``).join("<br>")} |`),
    "",
    "Provider credentials come from the environment of whoever deploys: `VULTR_API_KEY`, `TAILSCALE_OAUTH_CLIENT_ID` and `TAILSCALE_OAUTH_CLIENT_SECRET` (or `TAILSCALE_API_KEY`), `VAULT_TOKEN`, `CONSUL_HTTP_TOKEN`, `VAULT_CACERT` and `CONSUL_CACERT` where their certificates are signed by a private authority, and an SSH agent with a key that the nodes accept.",
    "",
    "This page is made by `npm run docs`.",
    "",
  ].join("\n");
}
