/** The nomad provider, at the address that the environment names. */
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import type { Construct } from "constructs";
import type { Environment } from "../../environments/schema";

export interface NomadAccessProps {
  readonly environment: Environment;
  /** PEM of the authority that signed the servers' certificates. */
  readonly caPem: string;
  /** Token to use. @default the NOMAD_TOKEN of whoever runs Terraform */
  readonly token?: string;
}

/** The address is a literal: taken from a resource, it is unknown while that is replaced, and refresh goes to localhost. */
export function nomadProvider(scope: Construct, props: NomadAccessProps): NomadProvider {
  const { nomad } = props.environment;
  return new NomadProvider(scope, "nomad", { address: nomad.address, region: nomad.region, caPem: props.caPem, ...(props.token ? { secretId: props.token } : {}) });
}
