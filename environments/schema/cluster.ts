/** Nodes and the three control planes: Nomad, Consul, Vault. */
import { z } from "zod";
import { count, duration, label, nonEmpty, portNumber, semver, sha256, size, tailnetAddress, url, withExample } from "./fields";

/** A program that nodes run, at an exact version. */
const program = (name: string, version: string) =>
  z.strictObject({
    version: semver(version),
    /** Where a node without it downloads the zip archive. */
    url: url(`https://releases.hashicorp.com/${name}/${version}/${name}_${version}_linux_amd64.zip`),
    /** Checked before anything is unpacked. */
    sha256: sha256(),
  });

export const versionsSchema = z.strictObject({
  nomad: program("nomad", "2.0.5"),
  consul: program("consul", "1.21.4"),
  /** Debian package version that the witness installs from Tailscale's own repository. */
  tailscale: semver("1.90.6"),
});

export const sshSchema = z.strictObject({
  user: nonEmpty("deploy"),
  port: portNumber(22),
  /** Where the operator reaches SSH when it is not the tailnet address, for example a port published on loopback. */
  host: nonEmpty("127.0.0.1").optional(),
  /**
   * Public host key. Pinned: a node that answers with another is not spoken to.
   * Left out in a lab only, whose stack makes the machines and their keys.
   * Of the keys that a node has, Terraform's SSH compares one: ECDSA before RSA before Ed25519.
   */
  hostKey: withExample(z.string().regex(/^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$/, "must be a public host key as /etc/ssh/ssh_host_ecdsa_key.pub has it, without comment (a node without that file: ssh_host_ed25519_key.pub)"), "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDs1vxozWQj1xFoJ/gwe2FX+VYGfEgpj4iCbbO2h/pCYfFY2hiVYyIpWVFMzv9MkvVawV8bGK0UX/5v1Mym8Aiw=").optional(),
});

export const appNodeSchema = z.strictObject({
  name: label("server-1"),
  /** Full name of the device in the tailnet, for its tags. */
  tailnetName: nonEmpty("server-1.example-tailnet.ts.net"),
  tailnetAddress: tailnetAddress("100.64.0.11"),
  ssh: sshSchema,
  /** Kept free for the Nomad server and the system: the scheduler never places work on it. */
  reserved: z.strictObject({ cpuMhz: count(1000), memory: size("1GiB"), disk: size("10GiB") }),
  /** Folder on the node below which jobs keep their volumes: the data on one node, its backups on the other, and after a move of the data plane the other way round. One file system, or restores cannot rename. */
  volumesRoot: nonEmpty("/srv/gvfx"),
});

export const witnessSchema = z.strictObject({
  name: label("witness"),
  /** Address when the machine exists already; left out when Vultr makes it, for it is read back then. */
  tailnetAddress: tailnetAddress("100.64.0.13").optional(),
  ssh: sshSchema,
});

export const vultrSchema = z.discriminatedUnion("enabled", [
  z.strictObject({
    enabled: z.literal(true),
    plan: withExample(z.string().regex(/^v[a-z0-9]+(-[a-z0-9]+)+$/, "must be a Vultr plan id"), "vc2-1c-2gb"),
    region: label("fra"),
    /** Name of the operating system exactly as Vultr lists it. */
    os: nonEmpty("Debian 12 x64 (bookworm)"),
    /** Public keys that may log in to the witness over the tailnet. */
    sshAuthorizedKeys: z.array(nonEmpty("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFZ1WlR0c8o1b7dAqFqJ0mJxqS4wVt3nTn1y8yB2r5fT operator")).min(1),
  }),
  z.strictObject({ enabled: z.literal(false), reason: nonEmpty("the lab's witness is a container") }),
]);

export const nomadSchema = z.strictObject({
  /** Literal address that the provider and the CLI use; a resource's address is unknown while it is replaced. */
  address: url("https://100.64.0.11:4646", /^https$/),
  region: label("global"),
  datacenter: label("dc1"),
  namespace: label("gvfx"),
  /** Where the agents keep their state. */
  dataDir: nonEmpty("/var/lib/nomad"),
  configDir: nonEmpty("/etc/nomad.d"),
  /** Failure detection: how the times hang together, and with the lease's, is in environments/singleton and docs/worker.md. A node is lost one to two of these after its last heartbeat, */
  minHeartbeatTtl: duration("5s"),
  /** and this later. */
  heartbeatGrace: duration("6s"),
  /** What a new leader gives every node. Longer than the 30 s that a client may wait after it was told that there is no leader. */
  failoverHeartbeatTtl: duration("31s"),
  /** A peer that falls silent is noticed within both together. */
  rpcKeepAliveInterval: duration("1s"),
  rpcConnectionWriteTimeout: duration("2s"),
  /** Life of the certificate authority and of node certificates, and how long before the end a deploy renews them. */
  caValidity: duration("3650d"),
  certificateValidity: duration("365d"),
  certificateRenewal: duration("60d"),
  /** Which generation of the cluster's keys is in use; committed, written by `gvfx rotate`, and not there before the first rotation. An environment has one of its own. */
  rotationFile: nonEmpty("environments/production.rotation.json"),
  /**
   * PEM of the authority of Nomad's certificates, which is public; committed, written by `gvfx authority` after foundation's first deploy. Where it is
   * there, data-plane, app and cutover read no other stack's state, and whoever plans them needs to read no secret of foundation's.
   */
  authorityFile: nonEmpty("environments/production.ca.pem"),
});

export const consulSchema = z.strictObject({
  address: url("https://100.64.0.21:8501"),
  /** Tailnet addresses of the existing servers. */
  servers: z.array(tailnetAddress("100.64.0.21")).min(1),
  datacenter: label("dc1"),
  /** DNS domain; another one for a second environment on the same tailnet, since split DNS is by domain. */
  domain: withExample(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/), "consul"),
  /** Whether ACLs are on in the existing servers, with default deny. */
  aclsEnabled: z.boolean(),
  /** PEM file on the nodes with the authority that signed the servers' certificates. */
  caFile: nonEmpty("/etc/consul.d/ca.pem"),
  /** Base64 gossip key of the existing cluster is a secret: the nodes' agents read it from this file. */
  gossipKeyFile: nonEmpty("/etc/consul.d/gossip.key"),
  /** Servers that demand a certificate of their clients hand one out by auto_encrypt. Set when they do; left out when they demand none. */
  autoEncrypt: z.boolean().optional(),
  configDir: nonEmpty("/etc/consul.d"),
  dataDir: nonEmpty("/var/lib/consul"),
  /** Resolvers for every name outside the domain. */
  recursors: z.array(withExample(z.ipv4(), "100.100.100.100")).min(1),
});

export const vaultSchema = z.strictObject({
  address: url("https://100.64.0.21:8200"),
  /** Where the operator reaches it when that is another address, for example a port published on loopback. */
  operatorAddress: url("https://127.0.0.1:18200").optional(),
  servers: z.array(tailnetAddress("100.64.0.21")).min(1),
  /** KV version 2 mount that holds the platform's secrets. */
  kvMount: label("gvfx"),
  /** Path of the JWT auth method for Nomad workloads. */
  authPath: label("jwt-nomad"),
  /** PEM file on the nodes with the authority that signed Vault's certificate. */
  caFile: nonEmpty("/etc/nomad.d/vault-ca.pem").optional(),
  /** Life of a task's Vault token between renewals. */
  tokenPeriod: duration("30m"),
});

export const tailnetSchema = z.discriminatedUnion("enabled", [
  z.strictObject({
    enabled: z.literal(true),
    name: nonEmpty("example.com"),
    /** Prefix of every tag that this environment owns; another environment on the tailnet needs another. */
    tagPrefix: label("gvfx"),
    /** Who uses the app: reach the frontend and the API, nothing else. */
    userGroup: withExample(z.string().regex(/^(group:[a-z0-9-]+|autogroup:member)$/, "must be a group"), "group:gvfx-users"),
    userGroupMembers: z.array(withExample(z.email(), "user@example.com")),
    /** Who operates: reach SSH, Nomad, Vault and Consul. */
    operatorGroup: withExample(z.string().regex(/^group:[a-z0-9-]+$/, "must be a group"), "group:gvfx-operators"),
    operators: z.array(withExample(z.email(), "operator@example.com")).min(1),
    /** Tag of an existing exit node for the worker's traffic to exchanges; left out when nodes use their own way out. */
    exitNodeTag: withExample(z.string().regex(/^tag:[a-z0-9-]+$/), "tag:exit-frankfurt").optional(),
    /** Tag that the OAuth client of the Tailscale provider carries, so that it may mint keys for our tags; left out when the provider uses an administrator's API key. */
    oauthClientTag: withExample(z.string().regex(/^tag:[a-z0-9-]+$/), "tag:automation").optional(),
    /** Tag of the ephemeral nodes that plan pull requests: it reaches Nomad's API, and nothing else; left out when nothing does (docs/review.md). */
    reviewTag: withExample(z.string().regex(/^tag:[a-z0-9-]+$/), "tag:review").optional(),
    /** Tags of the existing Consul and Vault servers. */
    consulTag: withExample(z.string().regex(/^tag:[a-z0-9-]+$/), "tag:consul"),
    vaultTag: withExample(z.string().regex(/^tag:[a-z0-9-]+$/), "tag:vault"),
  }),
  z.strictObject({ enabled: z.literal(false), reason: nonEmpty("the lab's network is a container network in the same range") }),
]);
