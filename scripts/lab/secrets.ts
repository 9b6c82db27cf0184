/** Fills the lab's OpenBao with every secret that a job reads. Values are made here, stay as they are on later runs, and are shown nowhere. */
import { z } from "zod";
import { SECRETS, type Secret } from "../../contracts/secrets";
import type { Environment } from "../../environments/schema";
import { request } from "../clients/http";
import { derivationOf, generatedValue } from "../secrets/values";
import type { Endpoint } from "./access";

/** What the doubles ask for although the app does not require it: the exchange wants a key and a signature. */
const ASKED_BY_DOUBLES: ReadonlySet<string> = new Set(["BINGX_API_KEY", "BINGX_SECRET_KEY"]);

const SNAPSHOT_TOKEN = SECRETS.find(({ field }) => field === "CONSUL_SNAPSHOT_TOKEN")!;

/**
 * A value for every secret that the lab's jobs cannot do without, by path.
 * @param known what the lab has made elsewhere, by field
 */
export function labSecrets(env: Environment, known: Readonly<Record<string, string>> = {}): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const paths = new Map<string, Record<string, string>>();
  const values: Record<string, string> = {};
  const wanted = SECRETS.filter((secret) => secret.readers.length > 0 && (secret.required || ASKED_BY_DOUBLES.has(secret.field) || Object.hasOwn(known, secret.field)));
  for (const secret of SECRETS) if (secret.readers.length > 0) paths.set(secret.path, paths.get(secret.path) ?? {});
  // Derived ones last: they are made of the others.
  for (const secret of [...wanted].sort((a, b) => Number(a.origin === "derived") - Number(b.origin === "derived"))) {
    values[secret.field] = known[secret.field] ?? valueOf(secret, env, values);
    paths.get(secret.path)![secret.field] = values[secret.field];
  }
  return paths;
}

function valueOf(secret: Secret, env: Environment, made: Readonly<Record<string, string>>): string {
  // What only a person has elsewhere, a double takes any value for.
  return secret.origin === "derived" ? derivationOf(secret).make(env, made) : generatedValue(secret.field);
}

const keysSchema = z.object({ data: z.object({ data: z.record(z.string(), z.string()) }) });

const tokenSchema = z.object({ SecretID: z.string().min(1) });

export class LabSecrets {
  /** @param consul with a token that may make tokens: Consul gives its snapshots to one that may write ACLs, and no job has the lab's own */
  constructor(private readonly env: Environment, private readonly vault: Endpoint, private readonly consul?: Endpoint) {}

  /**
   * Writes each path that is not there yet.
   * @returns how many were written
   * @throws Error when OpenBao or Consul answers otherwise than both should; what was written stays
   */
  async fill(): Promise<number> {
    const known: Record<string, string> = {};
    if (this.consul && this.env.dataPlane.backup.clusterSnapshots.consul.permitted && !(await this.has(SNAPSHOT_TOKEN.path))) known[SNAPSHOT_TOKEN.field] = await snapshotToken(this.consul);
    let written = 0;
    for (const [path, data] of labSecrets(this.env, known)) {
      // Check-and-set 0: only where nothing is.
      const { status } = await this.send(path, { method: "POST", body: JSON.stringify({ options: { cas: 0 }, data }) });
      if (status === 200) written++;
      else if (status !== 400) throw new Error(`OpenBao answered ${status} to writing ${path}: the jobs that read it could not start; see: npm run gvfx -- lab logs openbao`);
    }
    return written;
  }

  private async has(path: string): Promise<boolean> {
    return (await this.send(path, {})).status === 200;
  }

  /** Every value, for a search through what must not hold any. */
  async values(): Promise<string[]> {
    const all: string[] = [];
    for (const path of labSecrets(this.env).keys()) {
      const answer = await this.send(path, {});
      if (answer.status === 200) all.push(...Object.values(keysSchema.parse(JSON.parse(answer.text)).data.data));
    }
    return all;
  }

  private send(path: string, options: { readonly method?: "POST"; readonly body?: string }) {
    const { address, token, caPem } = this.vault;
    return request(`${address}/v1/${this.env.vault.kvMount}/data/${path}`, { ca: caPem, headers: { "x-vault-token": token }, ...options });
  }
}

/** Makes a token for the backup's snapshots of Consul. */
async function snapshotToken({ address, token, caPem }: Endpoint): Promise<string> {
  const body = JSON.stringify({ Description: "gvfx-backup: snapshots of Consul", Policies: [{ Name: "global-management" }] });
  const answer = await request(`${address}/v1/acl/token`, { ca: caPem, headers: { "x-consul-token": token }, method: "PUT", body });
  if (answer.status !== 200) throw new Error(`Consul answered ${answer.status} to making a token for its snapshots, so that no backup could hold one; see: npm run gvfx -- lab logs consul-1`);
  return tokenSchema.parse(JSON.parse(answer.text)).SecretID;
}
