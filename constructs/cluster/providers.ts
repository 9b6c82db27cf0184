/** Providers of foundation. Credentials come from the environment of whoever runs Terraform; addresses from the environment file. */
import { RandomProvider } from "@cdktf/provider-random/lib/provider";
import { TlsProvider } from "@cdktf/provider-tls/lib/provider";
import { VaultProvider } from "@cdktf/provider-vault/lib/provider";
import { Token } from "cdktf";
import type { Construct } from "constructs";
import { TailscaleProvider } from "../../bindings/tailscale/provider";
import { VultrProvider } from "../../bindings/vultr/provider";
import type { Environment } from "../../environments/schema";
import { consulProvider } from "../consul/provider";

export function foundationProviders(scope: Construct, environment: Environment): void {
  new TlsProvider(scope, "tls");
  new RandomProvider(scope, "random");
  // VAULT_TOKEN, CONSUL_HTTP_TOKEN. No child token: it would be one more secret with its own end in the middle of an apply.
  new VaultProvider(scope, "vault", { address: environment.vault.operatorAddress ?? environment.vault.address, skipChildToken: true });
  consulProvider(scope, environment);
  // TAILSCALE_OAUTH_CLIENT_ID and _SECRET, or TAILSCALE_API_KEY.
  if (environment.tailnet.enabled) new TailscaleProvider(scope, "tailscale", { tailnet: environment.tailnet.name });
  // VULTR_API_KEY: the provider's schema calls it required, but takes it from there when the argument is null.
  if (environment.vultr.enabled) new VultrProvider(scope, "vultr", { apiKey: Token.asString(Token.nullValue()) });
}
