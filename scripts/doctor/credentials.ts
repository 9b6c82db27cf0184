/** The operator's credentials, from environment variables. */
import type { Credentials } from "./context";

export type Variables = Readonly<Record<string, string | undefined>>;

const SECRET_VARIABLES = ["CONSUL_HTTP_TOKEN", "VAULT_TOKEN", "TAILSCALE_API_KEY", "TAILSCALE_OAUTH_CLIENT_SECRET", "VULTR_API_KEY", "REGISTRY_PASSWORD", "LEGACY_CONVEX_ADMIN_KEY", "CONVEX_SELF_HOSTED_ADMIN_KEY", "CONVEX_DEPLOY_KEY"];

/** For programs that need none of them: ssh sends on what somebody's configuration tells it to (SendEnv). */
export function withoutCredentials(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !SECRET_VARIABLES.includes(name)));
}

/**
 * @param readFile reads a PEM file by its path
 * @throws Error when a variable names a file that cannot be read
 */
export function readCredentials(variables: Variables, readFile: (path: string) => string): Credentials {
  const set = (name: string): string | undefined => variables[name]?.trim() || undefined;
  const pem = (name: string): string | undefined => {
    const path = set(name);
    if (path === undefined) return undefined;
    try {
      return readFile(path);
    } catch (error) {
      throw new Error(`${name} names ${path}, which cannot be read (${(error as Error).message}), so that no certificate could be checked; correct it or unset it`);
    }
  };
  const clientId = set("TAILSCALE_OAUTH_CLIENT_ID");
  const clientSecret = set("TAILSCALE_OAUTH_CLIENT_SECRET");
  const apiKey = set("TAILSCALE_API_KEY");
  const username = set("REGISTRY_USERNAME");
  const password = set("REGISTRY_PASSWORD");
  return {
    consulToken: set("CONSUL_HTTP_TOKEN"),
    vaultToken: set("VAULT_TOKEN"),
    consulCa: pem("CONSUL_CACERT"),
    vaultCa: pem("VAULT_CACERT"),
    registryCa: pem("REGISTRY_CACERT"),
    vultrKey: set("VULTR_API_KEY"),
    ...(apiKey ? { tailscale: { apiKey } } : clientId && clientSecret ? { tailscale: { clientId, clientSecret } } : {}),
    ...(username && password ? { registry: { username, password } } : {}),
  };
}

/** What must never be printed. */
export function secretsOf({ consulToken, vaultToken, vultrKey, tailscale, registry }: Credentials): string[] {
  const ofTailscale = tailscale === undefined ? undefined : "apiKey" in tailscale ? tailscale.apiKey : tailscale.clientSecret;
  return [consulToken, vaultToken, vultrKey, ofTailscale, registry?.password].filter((secret) => secret !== undefined);
}
