/** Vault's HTTP API (OpenBao speaks it too), as far as the CLI asks it. */
import { z } from "zod";
import { json, offsetOf, request, UnexpectedAnswer, type Answer, type ClockOffset, type TransportOptions } from "./http";

export interface VaultHealth {
  readonly initialized: boolean;
  readonly sealed: boolean;
  readonly standby: boolean;
  readonly version: string;
  readonly clock: ClockOffset | undefined;
}

export interface VaultToken {
  readonly policies: readonly string[];
  /** Life that is left, in seconds; undefined for one that never ends. */
  readonly ttlSeconds: number | undefined;
}

/** What is mounted at a path. */
export interface VaultMount {
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

const healthSchema = z.object({ initialized: z.boolean(), sealed: z.boolean(), standby: z.boolean(), version: z.string(), server_time_utc: z.number().optional() });
const tokenSchema = z.object({ data: z.object({ policies: z.array(z.string()), ttl: z.number(), expire_time: z.string().nullable() }) });
const mountsSchema = z.object({ data: z.record(z.string(), z.object({ type: z.string(), options: z.record(z.string(), z.string()).nullish() })) });
const capabilitiesSchema = z.object({ data: z.record(z.string(), z.union([z.array(z.string()), z.unknown()])) });

/** A version of a secret that was deleted is a 404 with its metadata. */
const secretSchema = z.object({ data: z.object({ data: z.record(z.string(), z.string()), metadata: z.object({ version: z.number() }) }) });

/** A secret of the key-value engine, version 2. */
export interface VaultSecret {
  readonly fields: Readonly<Record<string, string>>;
  /** For check-and-set. */
  readonly version: number;
}

/** Statuses by which the health endpoint tells its states apart: active, standby, replicas, not initialized, sealed. */
const HEALTH_STATUSES = [200, 429, 472, 473, 501, 503];

export class VaultClient {
  constructor(private readonly address: string, private readonly transport: TransportOptions = {}, private readonly token?: string) {}

  /** State of the server that answers. Needs no token. */
  async health(): Promise<VaultHealth> {
    const sentAt = Date.now();
    const answer = await this.send("/v1/sys/health");
    if (!HEALTH_STATUSES.includes(answer.status)) throw new UnexpectedAnswer(answer.status, "Vault's health");
    const health = healthSchema.parse(json(answer, "Vault's health"));
    return { initialized: health.initialized, sealed: health.sealed, standby: health.standby, version: health.version.replace(/\+.*$/, ""), clock: offsetOf(health.server_time_utc, sentAt, Date.now()) };
  }

  /** The token that this client has; undefined when Vault does not know it. */
  async ownToken(): Promise<VaultToken | undefined> {
    const answer = await this.send("/v1/auth/token/lookup-self");
    if (answer.status === 403) return undefined;
    const { data } = tokenSchema.parse(this.read(answer, "Vault's token"));
    return { policies: data.policies, ttlSeconds: data.expire_time === null ? undefined : data.ttl };
  }

  /** What the token may do, by path; undefined when it may not even ask. */
  async capabilities(paths: readonly string[]): Promise<Readonly<Record<string, readonly string[]>> | undefined> {
    const answer = await this.send("/v1/sys/capabilities-self", { paths });
    if (answer.status === 403) return undefined;
    const { data } = capabilitiesSchema.parse(this.read(answer, "Vault's capabilities"));
    return Object.fromEntries(paths.map((path) => [path, z.array(z.string()).catch([]).parse(data[path])]));
  }

  /** Secrets engines by path, without the trailing slash; undefined when the token may not list them. */
  mounts(): Promise<ReadonlyMap<string, VaultMount> | undefined> {
    return this.mountsOf("/v1/sys/mounts", "Vault's mounts");
  }

  /** Auth methods by path, likewise. */
  authMethods(): Promise<ReadonlyMap<string, VaultMount> | undefined> {
    return this.mountsOf("/v1/sys/auth", "Vault's auth methods");
  }

  /**
   * A secret; undefined when nothing is at the path.
   * @throws UnexpectedAnswer with status 403 when the token may not read it
   */
  async readSecret(mount: string, path: string): Promise<VaultSecret | undefined> {
    const answer = await this.send(`/v1/${mount}/data/${path}`);
    if (answer.status === 404) return undefined;
    const { data } = secretSchema.parse(this.read(answer, `Vault's secret ${path}`));
    return { fields: data.data, version: data.metadata.version };
  }

  /**
   * Writes all fields of a secret at once.
   * @param version the one that was read, 0 where nothing was: a secret that somebody else changed since is left alone
   * @throws UnexpectedAnswer with status 403 when the token may not write it, 400 when it was changed since
   */
  async writeSecret(mount: string, path: string, fields: Readonly<Record<string, string>>, version: number): Promise<void> {
    const answer = await this.send(`/v1/${mount}/data/${path}`, { options: { cas: version }, data: fields });
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Writing Vault's secret ${path}`);
  }

  private async mountsOf(path: string, what: string): Promise<ReadonlyMap<string, VaultMount> | undefined> {
    const answer = await this.send(path);
    if (answer.status === 403) return undefined;
    const { data } = mountsSchema.parse(this.read(answer, what));
    return new Map(Object.entries(data).map(([mount, { type, options }]) => [mount.replace(/\/$/, ""), { type, options: options ?? {} }]));
  }

  private read(answer: Answer, what: string): unknown {
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    return json(answer, what);
  }

  private send(path: string, body?: unknown): Promise<Answer> {
    const headers = { "x-vault-request": "true", ...(this.token && path !== "/v1/sys/health" ? { "x-vault-token": this.token } : {}) };
    return request(this.address.replace(/\/$/, "") + path, { ...this.transport, headers, ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }) });
  }
}
