/** An image registry (OCI distribution API): does it answer, may these credentials pull, and what does it have? */
import { createHash } from "node:crypto";
import { z } from "zod";
import { json, request, Unreachable, UnexpectedAnswer, type Answer, type TransportOptions } from "./http";

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

export interface RegistryState {
  readonly scheme: "https" | "http";
  /** Somebody without credentials is let in. */
  readonly open: boolean;
}

export type PullVerdict = "granted" | "refused" | "no-such-repository";

/** Of one platform or of several, by Docker's names and OCI's: without one of them a registry converts, and the digest is another. */
const MANIFESTS = ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"].join(", ");

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });

export class RegistryClient {
  private probed: Promise<RegistryState> | undefined;

  /** @param host with its port, as image references have it */
  constructor(private readonly host: string, private readonly transport: TransportOptions = {}, private readonly credentials?: RegistryCredentials) {}

  /** Speaks TLS first, and plain HTTP only with a server that does not know it. */
  state(): Promise<RegistryState> {
    this.probed ??= this.probe();
    return this.probed;
  }

  /** Whether a repository, named without the host, may be pulled from. */
  async pull(repository: string): Promise<PullVerdict> {
    const { scheme } = await this.state();
    // Listing tags is within the right to pull, and needs no image to exist.
    const url = `${scheme}://${this.host}/v2/${repository}/tags/list?n=1`;
    const first = await request(url, this.transport);
    const answer = first.status === 401 ? await this.authenticated(url, first, scheme, repository) : first;
    if (answer === undefined || answer.status === 401 || answer.status === 403) return "refused";
    if (answer.status === 404) return "no-such-repository";
    if (answer.status === 200) return "granted";
    throw new UnexpectedAnswer(answer.status, `${this.host}/${repository}`);
  }

  /**
   * Digest of what a tag or a digest names; undefined when the registry has none of that name.
   * @param repository without the host
   * @throws UnexpectedAnswer with status 401 or 403 when it may not be read
   */
  async digest(repository: string, reference: string): Promise<string | undefined> {
    const { scheme } = await this.state();
    const url = `${scheme}://${this.host}/v2/${repository}/manifests/${reference}`;
    const first = await request(url, { ...this.transport, headers: { accept: MANIFESTS } });
    const answer = first.status === 401 ? await this.authenticated(url, first, scheme, repository, { accept: MANIFESTS }) : first;
    if (answer?.status === 404) return undefined;
    if (answer?.status !== 200) throw new UnexpectedAnswer(answer?.status ?? 401, `${this.host}/${repository}`);
    // The bytes are what the digest is of, whatever a header says.
    return `sha256:${createHash("sha256").update(answer.text).digest("hex")}`;
  }

  private async probe(): Promise<RegistryState> {
    try {
      return await this.probeBy("https");
    } catch (error) {
      if (error instanceof Unreachable && error.reason === "not-tls") return this.probeBy("http");
      throw error;
    }
  }

  private async probeBy(scheme: "https" | "http"): Promise<RegistryState> {
    const { status } = await request(`${scheme}://${this.host}/v2/`, this.transport);
    if (status !== 200 && status !== 401) throw new UnexpectedAnswer(status, `${this.host}/v2/`);
    return { scheme, open: status === 200 };
  }

  /** Answers the registry's challenge; undefined when the credentials are not accepted. */
  private async authenticated(url: string, challenged: Answer, scheme: string, repository: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer | undefined> {
    const challenge = parseChallenge(challenged.headers["www-authenticate"] ?? "");
    const basic: Record<string, string> = this.credentials ? { authorization: `Basic ${Buffer.from(`${this.credentials.username}:${this.credentials.password}`).toString("base64")}` } : {};
    if (challenge.scheme === "basic") return request(url, { ...this.transport, headers: { ...headers, ...basic } });
    if (challenge.scheme !== "bearer" || !challenge.parameters.realm) throw new UnexpectedAnswer(401, `${this.host} (no challenge that is understood)`);

    const realm = new URL(challenge.parameters.realm);
    // Whoever answers names the realm: a password must not leave by a weaker way than the registry's own.
    if (scheme === "https" && realm.protocol !== "https:") throw new UnexpectedAnswer(401, `${this.host} (its token service ${realm.host} is not reached by TLS)`);
    if (challenge.parameters.service) realm.searchParams.set("service", challenge.parameters.service);
    realm.searchParams.set("scope", `repository:${repository}:pull`);
    const given = await request(realm.href, { ...this.transport, headers: basic });
    if (given.status === 401 || given.status === 403) return undefined;
    if (given.status !== 200) throw new UnexpectedAnswer(given.status, realm.host);
    const { token, access_token: accessToken } = tokenSchema.parse(json(given, realm.host));
    return request(url, { ...this.transport, headers: { ...headers, authorization: `Bearer ${token ?? accessToken ?? ""}` } });
  }
}

/** `Bearer realm="…",service="…"`, RFC 9110. */
function parseChallenge(header: string): { readonly scheme: string; readonly parameters: Readonly<Record<string, string>> } {
  const [, scheme = "", rest = ""] = /^\s*(\S+)\s*(.*)$/.exec(header) ?? [];
  return { scheme: scheme.toLowerCase(), parameters: Object.fromEntries([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key.toLowerCase(), value])) };
}
