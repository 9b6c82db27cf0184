/** The Consul servers that in production exist already: three, ACLs on, default deny, gossip and RPC encrypted. */
import { Bytes } from "@cdktf/provider-random/lib/bytes";
import { Fn } from "cdktf";
import { Construct } from "constructs";
import { CLUSTER_PORTS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { LabMachine, type LabNetworkProps } from "./machine";
import type { LabAuthority } from "./authority";
import { secretUuid } from "../state/secret-uuid";

export interface ConsulServersProps extends LabNetworkProps {
  readonly environment: Environment;
  readonly authority: LabAuthority;
  /** Nodes whose agents answer for the names of the datacenter: where Nomad's signing keys are fetched. */
  readonly dns: string[];
}

export class ConsulServers extends Construct {
  /** Secret id of the first management token. Sensitive. */
  readonly managementToken: string;
  /** Base64, 32 bytes. Sensitive. */
  readonly gossipKey: string;

  constructor(scope: Construct, id: string, { environment, authority, dns, ...network }: ConsulServersProps) {
    super(scope, id);
    const { consul } = environment;
    this.managementToken = secretUuid(this, "management-token").uuid;
    this.gossipKey = new Bytes(this, "gossip", { length: 32 }).base64;

    consul.servers.forEach((address, index) => {
      const name = `consul-${index + 1}`;
      const { cert, key } = authority.issue(name, { address, dnsNames: [`server.${consul.datacenter}.${consul.domain}`] });
      new LabMachine(this, name, {
        ...network,
        name,
        address,
        image: network.lab.images.consul,
        entrypoint: ["/bin/consul"],
        command: ["agent", "-config-file=/consul/config/server.json"],
        env: { CONSUL_CACERT: CA, CONSUL_HTTP_ADDR: `https://127.0.0.1:${CLUSTER_PORTS.consulHttps}` },
        files: [
          { path: CA, content: authority.caPem },
          { path: CERT, content: cert },
          { path: KEY, content: key, mode: "0600" },
          { path: "/consul/config/server.json", content: serverConfig(environment, name, address, { gossipKey: this.gossipKey, token: this.managementToken }), mode: "0600" },
        ],
        volumes: { "/consul/data": "data" },
        dns,
        healthy: `curl --silent --cacert ${CA} https://127.0.0.1:${CLUSTER_PORTS.consulHttps}/v1/status/leader | grep -q '^"..*"$'`,
      });
    });
  }
}

const CA = "/consul/tls/ca.pem";
const CERT = "/consul/tls/server.pem";
const KEY = "/consul/tls/server-key.pem";

function serverConfig({ consul }: Environment, name: string, address: string, secrets: { readonly gossipKey: string; readonly token: string }): string {
  return Fn.jsonencode({
    node_name: name,
    server: true,
    bootstrap_expect: consul.servers.length,
    datacenter: consul.datacenter,
    domain: consul.domain,
    data_dir: "/consul/data",
    log_level: "INFO",
    disable_update_check: true,
    bind_addr: address,
    advertise_addr: address,
    client_addr: "0.0.0.0",
    retry_join: consul.servers,
    // As HashiCorp recommends for production. With the default of 5 a lost leader is noticed after 5 to 10 s, longer than the worker's lease bears.
    performance: { raft_multiplier: 1 },
    // A server that is restarted is not a server that left.
    leave_on_terminate: false,
    skip_leave_on_interrupt: true,
    ui_config: { enabled: true },
    ports: { http: -1, https: CLUSTER_PORTS.consulHttps, grpc: -1, grpc_tls: -1 },
    encrypt: secrets.gossipKey,
    tls: {
      defaults: { ca_file: CA, cert_file: CERT, key_file: KEY, verify_incoming: false, verify_outgoing: true },
      internal_rpc: { verify_server_hostname: true },
    },
    acl: {
      enabled: true,
      default_policy: "deny",
      enable_token_persistence: true,
      tokens: { initial_management: secrets.token, agent: secrets.token },
    },
  });
}
