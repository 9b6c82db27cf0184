/** The cluster's own certificate authority, a certificate for each node, and the gossip key; of authority and gossip key two generations while they are rotated. */
import { Bytes } from "@cdktf/provider-random/lib/bytes";
import { Construct } from "constructs";
import { NOMAD_SERVER_SERVICE, nomadApiName } from "../../contracts/identity";
import { ofGeneration, type Rotation } from "../../contracts/rotation";
import type { Duration } from "../../contracts/units";
import { certificateAuthority, issueCertificate, type Authority, type IssuedCertificate } from "./certificates";
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
  /** Which generations of authority and gossip key there are. */
  readonly rotation: Pick<Rotation, "authority" | "gossipKey">;
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
  /** Certificates of the authorities that are accepted, one after the other; public. */
  readonly caCertPem: string;
  /** Of these, those by which the servers may be known in the very deploy that makes the next one: its certificate is unknown while that is planned. */
  readonly establishedCaPem: string;
  /** Serf's keys, each 32 bytes in base64: the one that is used first. Sensitive. */
  readonly gossipKeys: readonly string[];
  private readonly certificates = new Map<string, IssuedCertificate>();

  constructor(scope: Construct, id: string, props: ClusterPkiProps) {
    super(scope, id);
    const { authority: authorities, gossipKey } = props.rotation;
    const lifecycle = { preventDestroy: props.protect };

    const byGeneration = new Map(authorities.accepted.map((generation): readonly [number, Authority] => [generation, certificateAuthority(this, { commonName: `Nomad ${props.region} cluster authority${generation === 1 ? "" : ` ${generation}`}`, validity: props.caValidity, lifecycle, generation })]));
    const pem = (generations: readonly number[]): string => generations.map((generation) => byGeneration.get(generation)!.certPem).join("");
    this.caCertPem = pem(authorities.accepted);
    this.establishedCaPem = pem(authorities.accepted.filter((generation) => generation <= authorities.used));

    const keys = new Map(gossipKey.accepted.map((generation) => [generation, new Bytes(this, ofGeneration("gossip", generation), { length: 32, lifecycle }).base64]));
    this.gossipKeys = [gossipKey.used, ...gossipKey.accepted.filter((generation) => generation !== gossipKey.used)].map((generation) => keys.get(generation)!);

    const authority = byGeneration.get(authorities.used)!;
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
