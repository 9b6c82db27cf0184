/** The consul provider, at the address that the environment names, with the CONSUL_HTTP_TOKEN of whoever runs Terraform. */
import { ConsulProvider } from "@cdktf/provider-consul/lib/provider";
import type { Construct } from "constructs";
import type { Environment } from "../../environments/schema";

export function consulProvider(scope: Construct, environment: Environment): ConsulProvider {
  const { protocol, host } = new URL(environment.consul.address);
  return new ConsulProvider(scope, "consul", { address: host, scheme: protocol.replace(":", ""), datacenter: environment.consul.datacenter });
}
