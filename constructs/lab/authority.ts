/** The authority that signs the certificates of what exists before the platform: Consul and OpenBao. */
import { CertRequest } from "@cdktf/provider-tls/lib/cert-request";
import { LocallySignedCert } from "@cdktf/provider-tls/lib/locally-signed-cert";
import { PrivateKey } from "@cdktf/provider-tls/lib/private-key";
import { SelfSignedCert } from "@cdktf/provider-tls/lib/self-signed-cert";
import { Construct } from "constructs";
import { Duration } from "../../contracts/units";

const KEY = { algorithm: "ECDSA", ecdsaCurve: "P256" } as const;
/** A lab is thrown away long before. */
const VALIDITY_HOURS = Duration.days(3650).hours;

export interface LabCertificate {
  readonly cert: string;
  /** Sensitive. */
  readonly key: string;
}

export class LabAuthority extends Construct {
  /** PEM of the authority's certificate; public. */
  readonly caPem: string;
  private readonly caKey: PrivateKey;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.caKey = new PrivateKey(this, "key", KEY);
    this.caPem = new SelfSignedCert(this, "certificate", {
      privateKeyPem: this.caKey.privateKeyPem,
      subject: [{ commonName: "gvfx lab authority" }],
      isCaCertificate: true,
      setSubjectKeyId: true,
      allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
      validityPeriodHours: VALIDITY_HOURS,
    }).certPem;
  }

  /** A certificate for a machine; it answers on loopback too, where the operator reaches it. */
  issue(machine: string, names: { readonly address: string; readonly dnsNames: string[] }): LabCertificate {
    const key = new PrivateKey(this, `${machine}-key`, KEY);
    const request = new CertRequest(this, `${machine}-request`, {
      privateKeyPem: key.privateKeyPem,
      subject: [{ commonName: machine }],
      dnsNames: [...names.dnsNames, "localhost"],
      ipAddresses: ["127.0.0.1", names.address],
    });
    const certificate = new LocallySignedCert(this, `${machine}-certificate`, {
      certRequestPem: request.certRequestPem,
      caPrivateKeyPem: this.caKey.privateKeyPem,
      caCertPem: this.caPem,
      allowedUses: ["digital_signature", "server_auth", "client_auth"],
      validityPeriodHours: VALIDITY_HOURS,
    });
    return { cert: certificate.certPem, key: key.privateKeyPem };
  }
}
