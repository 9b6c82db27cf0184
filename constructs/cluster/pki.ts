/** The cluster's own certificate authority, a certificate for each node, and the gossip key. */
import { Bytes } from "@cdktf/provider-random/lib/bytes";
import { Construct } from "constructs";
import { NOMAD_SERVER_SERVICE, nomadApiName } from "../../contracts/identity";
import type { Duration } from "../../contracts/units";
import { certificateAuthority, issueCertificate, type IssuedCertificate } from "./certificates";
import type { ClusterNode } from "./node";

export interface ClusterPkiProps {
  readonly nodes: readonly ClusterNode[];
  /** Nomad region; servers prove their role by the name `server.<region>.nomad`. */
  readonly region: string;
  /** DNS domain of Consul. */
  readonly consulDomain: string;
  readonly caValidity: Duration;
  readonly certificateValidity: Duration;
  /** How long before its end a deploy renews a node's certificate. */
  readonly certificateRenewal: Duration;
  /** Refuse to destroy the authority and the gossip key: every node would have to be given new ones at once. */
  readonly protect: boolean;
}

/**
 * Names that a node's certificate must carry. Raft insists on the server name;
 * Vault and Consul fetch JWKS by the service names, which outlive any one server;
 * Terraform and the CLI come by address and cannot be told another name.
 */
export function certificateNames(node: ClusterNode, region: string, consulDomain: string): { readonly dns: string[]; readonly ips: string[] } {
  return {
    dns: [
      `server.${region}.nomad`,
      ...(node.role === "app" ? [`client.${region}.nomad`] : []),
      "localhost",
      `${NOMAD_SERVER_SERVICE}.service.${consulDomain}`,
      nomadApiName(consulDomain),
    ],
    ips: ["127.0.0.1", node.address],
  };
}

export class ClusterPki extends Construct {
  /** Certificate of the authority; public. */
  readonly caCertPem: string;
  /** Serf's key: 32 bytes, base64. Sensitive. */
  readonly gossipKey: string;
  private readonly certificates = new Map<string, IssuedCertificate>();

  constructor(scope: Construct, id: string, props: ClusterPkiProps) {
    super(scope, id);
    const lifecycle = { preventDestroy: props.protect };

    const authority = certificateAuthority(this, { commonName: `Nomad ${props.region} cluster authority`, validity: props.caValidity, lifecycle });
    this.caCertPem = authority.certPem;
    this.gossipKey = new Bytes(this, "gossip", { length: 32, lifecycle }).base64;

    for (const node of props.nodes) {
      const { dns, ips } = certificateNames(node, props.region, props.consulDomain);
      this.certificates.set(node.name, issueCertificate(this, node.name, { authority, dnsNames: dns, ipAddresses: ips, validity: props.certificateValidity, renewal: props.certificateRenewal }));
    }
  }

  /** @throws Error when the node is not one of those the authority was made for */
  certificateOf(node: ClusterNode): IssuedCertificate {
    const certificate = this.certificates.get(node.name);
    if (!certificate) throw new Error(`there is no certificate for "${node.name}": pass the node to ClusterPki (it has ${[...this.certificates.keys()].join(", ")})`);
    return certificate;
  }
}
