/** The authority that signs the certificates of what exists before the platform: Consul and OpenBao. */
import { Construct } from "constructs";
import { Duration } from "../../contracts/units";
import { certificateAuthority, issueCertificate, type Authority, type IssuedCertificate } from "../cluster/certificates";

/** A lab is thrown away long before. */
const VALIDITY = Duration.days(3650);

export class LabAuthority extends Construct {
  /** PEM of the authority's certificate; public. */
  readonly caPem: string;
  private readonly authority: Authority;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.authority = certificateAuthority(this, { commonName: "gvfx lab authority", validity: VALIDITY });
    this.caPem = this.authority.certPem;
  }

  /** A certificate for a machine; it answers on loopback too, where the operator reaches it. */
  issue(machine: string, names: { readonly address: string; readonly dnsNames: string[] }): IssuedCertificate {
    return issueCertificate(this, machine, { authority: this.authority, dnsNames: [...names.dnsNames, "localhost"], ipAddresses: ["127.0.0.1", names.address], validity: VALIDITY });
  }
}
