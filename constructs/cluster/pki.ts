/** The cluster's own certificate authority, a certificate for each node, and the gossip key. */
import { Bytes } from "@cdktf/provider-random/lib/bytes";
import { CertRequest } from "@cdktf/provider-tls/lib/cert-request";
import { LocallySignedCert } from "@cdktf/provider-tls/lib/locally-signed-cert";
import { PrivateKey } from "@cdktf/provider-tls/lib/private-key";
import { SelfSignedCert } from "@cdktf/provider-tls/lib/self-signed-cert";
import { Construct } from "constructs";
import { NOMAD_SERVER_SERVICE, nomadApiName } from "../../contracts/identity";
import type { Duration } from "../../contracts/units";
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

/** A node's certificate and its private key, as PEM expressions. */
export interface NodeCertificate {
  readonly cert: string;
  readonly key: string;
}

/** P-256 is what `nomad tls` itself makes: small, fast, and known to every client. */
const KEY = { algorithm: "ECDSA", ecdsaCurve: "P256" } as const;

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

/** Terraform counts validity in whole hours. */
function hours(duration: Duration): number {
  return Math.ceil(duration.hours);
}

export class ClusterPki extends Construct {
  /** Certificate of the authority; public. */
  readonly caCertPem: string;
  /** Serf's key: 32 bytes, base64. Sensitive. */
  readonly gossipKey: string;
  private readonly certificates = new Map<string, NodeCertificate>();

  constructor(scope: Construct, id: string, props: ClusterPkiProps) {
    super(scope, id);
    const lifecycle = { preventDestroy: props.protect };

    const caKey = new PrivateKey(this, "ca-key", { ...KEY, lifecycle });
    const ca = new SelfSignedCert(this, "ca", {
      privateKeyPem: caKey.privateKeyPem,
      subject: [{ commonName: `Nomad ${props.region} cluster authority` }],
      isCaCertificate: true,
      setSubjectKeyId: true,
      allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
      validityPeriodHours: hours(props.caValidity),
      lifecycle,
    });
    this.caCertPem = ca.certPem;
    this.gossipKey = new Bytes(this, "gossip", { length: 32, lifecycle }).base64;

    for (const node of props.nodes) {
      const names = certificateNames(node, props.region, props.consulDomain);
      const key = new PrivateKey(this, `${node.name}-key`, KEY);
      const request = new CertRequest(this, `${node.name}-request`, {
        privateKeyPem: key.privateKeyPem,
        subject: [{ commonName: names.dns[0] }],
        dnsNames: names.dns,
        ipAddresses: names.ips,
      });
      const certificate = new LocallySignedCert(this, `${node.name}-certificate`, {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: caKey.privateKeyPem,
        caCertPem: ca.certPem,
        // One certificate for both roles: an agent that is server and client opens and accepts RPC with the same one.
        allowedUses: ["digital_signature", "server_auth", "client_auth"],
        validityPeriodHours: hours(props.certificateValidity),
        earlyRenewalHours: hours(props.certificateRenewal),
      });
      this.certificates.set(node.name, { cert: certificate.certPem, key: key.privateKeyPem });
    }
  }

  /** @throws Error when the node is not one of those the authority was made for */
  certificateOf(node: ClusterNode): NodeCertificate {
    const certificate = this.certificates.get(node.name);
    if (!certificate) throw new Error(`there is no certificate for "${node.name}": pass the node to ClusterPki (it has ${[...this.certificates.keys()].join(", ")})`);
    return certificate;
  }
}
