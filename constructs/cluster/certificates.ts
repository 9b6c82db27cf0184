/** A private authority and the certificates that it signs, as every part of the platform makes them. */
import { CertRequest } from "@cdktf/provider-tls/lib/cert-request";
import { LocallySignedCert } from "@cdktf/provider-tls/lib/locally-signed-cert";
import { PrivateKey } from "@cdktf/provider-tls/lib/private-key";
import { SelfSignedCert } from "@cdktf/provider-tls/lib/self-signed-cert";
import type { TerraformResourceLifecycle } from "cdktf";
import type { Construct } from "constructs";
import { ofGeneration } from "../../contracts/rotation";
import type { Duration } from "../../contracts/units";

/** P-256 is what `nomad tls` itself makes: small, fast, and known to every client. */
const KEY = { algorithm: "ECDSA", ecdsaCurve: "P256" } as const;

/** PEM expressions of an authority; the key is sensitive. */
export interface Authority {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A certificate and its private key, as PEM expressions. The key is sensitive. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface AuthorityProps {
  readonly commonName: string;
  readonly validity: Duration;
  /** Of key and certificate. @default Terraform's own */
  readonly lifecycle?: TerraformResourceLifecycle;
  /** Two authorities in one scope differ by it. @default 1 */
  readonly generation?: number;
}

/** Makes the resources `ca-key` and `ca` in `scope`, of a later generation `ca-key-2` and `ca-2`. */
export function certificateAuthority(scope: Construct, { commonName, validity, lifecycle, generation = 1 }: AuthorityProps): Authority {
  const key = new PrivateKey(scope, ofGeneration("ca-key", generation), { ...KEY, lifecycle });
  const { certPem } = new SelfSignedCert(scope, ofGeneration("ca", generation), {
    privateKeyPem: key.privateKeyPem,
    subject: [{ commonName }],
    isCaCertificate: true,
    setSubjectKeyId: true,
    allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
    validityPeriodHours: hours(validity),
    lifecycle,
  });
  return { certPem, keyPem: key.privateKeyPem };
}

export interface CertificateProps {
  readonly authority: Authority;
  /** The first is the certificate's common name, too. */
  readonly dnsNames: string[];
  readonly ipAddresses: string[];
  readonly validity: Duration;
  /** How long before its end a deploy renews it. @default never */
  readonly renewal?: Duration;
}

/** Makes the resources `<name>-key`, `<name>-request` and `<name>-certificate` in `scope`. */
export function issueCertificate(scope: Construct, name: string, { authority, dnsNames, ipAddresses, validity, renewal }: CertificateProps): IssuedCertificate {
  const key = new PrivateKey(scope, `${name}-key`, KEY);
  const request = new CertRequest(scope, `${name}-request`, { privateKeyPem: key.privateKeyPem, subject: [{ commonName: dnsNames[0] }], dnsNames, ipAddresses });
  const certificate = new LocallySignedCert(scope, `${name}-certificate`, {
    certRequestPem: request.certRequestPem,
    caPrivateKeyPem: authority.keyPem,
    caCertPem: authority.certPem,
    // One certificate for both roles: an agent that is server and client opens and accepts RPC with the same one.
    allowedUses: ["digital_signature", "server_auth", "client_auth"],
    validityPeriodHours: hours(validity),
    ...(renewal ? { earlyRenewalHours: hours(renewal) } : {}),
  });
  return { cert: certificate.certPem, key: key.privateKeyPem };
}

/** Terraform counts validity in whole hours. */
function hours(duration: Duration): number {
  return Math.ceil(duration.hours);
}
