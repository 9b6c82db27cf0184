/**
 * OpenBao, which speaks Vault's API, where production has a Vault. It
 * initialises itself from its configuration and unseals itself by a static key,
 * so that a restart needs nobody; both secrets are in the lab's state alone.
 */
import { Bytes } from "@cdktf/provider-random/lib/bytes";
import { Construct } from "constructs";
import { CLUSTER_PORTS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import type { LabAuthority } from "./authority";
import { LabMachine, type LabNetworkProps } from "./machine";
import { secretUuid } from "../state/secret-uuid";

export interface OpenBaoProps extends LabNetworkProps {
  readonly environment: Environment;
  readonly authority: LabAuthority;
  /** Nodes whose agents answer for the names of the datacenter: where Nomad's signing keys are fetched. */
  readonly dns: string[];
}

const CA = "/openbao/tls/ca.pem";
const CERT = "/openbao/tls/server.pem";
const KEY = "/openbao/tls/server-key.pem";

export class OpenBao extends Construct {
  /** Root token. Sensitive. */
  readonly rootToken: string;

  constructor(scope: Construct, id: string, { environment, authority, dns, ...network }: OpenBaoProps) {
    super(scope, id);
    this.rootToken = secretUuid(this, "root-token").uuid;
    const sealKey = new Bytes(this, "seal-key", { length: 32 }).base64;
    const [address] = environment.vault.servers;
    const { cert, key } = authority.issue("openbao", { address, dnsNames: [] });

    new LabMachine(this, "openbao", {
      ...network,
      name: "openbao",
      address,
      image: network.lab.images.openbao,
      entrypoint: ["/bin/bao"],
      command: ["server", "-config=/openbao/config/server.hcl"],
      env: { BAO_ADDR: `https://127.0.0.1:${CLUSTER_PORTS.vault}`, BAO_CACERT: CA },
      files: [
        { path: CA, content: authority.caPem },
        { path: CERT, content: cert },
        { path: KEY, content: key, mode: "0600" },
        { path: "/openbao/config/server.hcl", content: serverConfig(address, { sealKey, rootToken: this.rootToken }), mode: "0600" },
      ],
      volumes: { "/openbao/file": "data" },
      dns,
      container: { user: "0" },
      healthy: "bao status >/dev/null",
    });
  }
}

function serverConfig(address: string, secrets: { readonly sealKey: string; readonly rootToken: string }): string {
  return `ui = true
storage "raft" {
  path    = "/openbao/file"
  node_id = "openbao"
}
listener "tcp" {
  address       = "0.0.0.0:${CLUSTER_PORTS.vault}"
  tls_cert_file = "${CERT}"
  tls_key_file  = "${KEY}"
}
api_addr     = "https://${address}:${CLUSTER_PORTS.vault}"
cluster_addr = "https://${address}:8201"
seal "static" {
  current_key_id = "lab"
  current_key    = "${secrets.sealKey}"
}
initialize "operator" {
  request "token" {
    operation = "update"
    path      = "auth/token/create"
    data = {
      id        = "${secrets.rootToken}"
      policies  = ["root"]
      no_parent = true
    }
  }
}
`;
}
