/** Doubles of what the backup's program asks, on one address: MinIO's versions, snapshots of three clusters, a Nomad variable, alerts. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

export interface StoredVersion { key: string; id: string; at: string; body?: string; type?: string }

const xml = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const archive = gzipSync("a snapshot");

export class ServicesDouble {
  private server: Server | undefined;
  url = "";
  /** By bucket, oldest first; a version without a body is a delete marker. */
  readonly buckets = new Map<string, StoredVersion[]>();
  /** Versions in a page of the list. */
  page = 3;
  unversioned = new Set<string>();
  /** Answers of 503 that GET of an object gives first, by key. */
  readonly failing = new Map<string, number>();
  /** Bytes that are cut off an object's end, by key. */
  readonly cut = new Map<string, number>();
  snapshot = { nomad: archive, consul: archive, vault: archive, status: 200, digest: true };
  variable: { Items: Record<string, string>; ModifyIndex: number } | undefined;
  /** How many writes of the variable somebody else gets in before. */
  conflicts = 0;
  /** Alerts that are not taken, from now on. */
  refusedAlerts = 0;
  readonly alerts: Record<string, string>[] = [];
  readonly heartbeats: (string | undefined)[] = [];
  readonly asked: string[] = [];

  async start(): Promise<void> {
    this.server = createServer((req, res) => void this.answer(req, res));
    await new Promise<void>((resolve) => this.server!.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server!.closeAllConnections();
      this.server!.close(() => resolve());
    });
  }

  private async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const url = new URL(req.url!, this.url);
    this.asked.push(`${req.method} ${req.url}`);
    const send = (status: number, text: string | Buffer, headers: Record<string, string> = {}) => void res.writeHead(status, headers).end(text);
    const token = (name: string, value: string) => req.headers[name] === value;
    if (url.pathname === "/alerts") {
      if (!token("authorization", "Bearer alert-secret")) return send(401, "");
      if (this.refusedAlerts > 0) {
        this.refusedAlerts -= 1;
        return send(503, "");
      }
      this.alerts.push(JSON.parse(body) as Record<string, string>);
      return send(202, "");
    }
    if (url.pathname === "/heartbeat") return void this.heartbeats.push(req.headers.authorization), send(200, "");
    if (url.pathname.startsWith("/v1/var/")) return token("x-nomad-token", "nomad-secret") ? this.variableAnswer(req.method!, url, body, send) : send(403, "");
    const snapshots = { "/v1/operator/snapshot": ["nomad", "x-nomad-token", "nomad-secret"], "/v1/snapshot": ["consul", "x-consul-token", "consul-secret"], "/v1/sys/storage/raft/snapshot": ["vault", "x-vault-token", "vault-secret"] } as const;
    const asked = snapshots[url.pathname as keyof typeof snapshots];
    if (asked) {
      const [name, header, secret] = asked;
      const sum = createHash("sha256").update(archive).digest("base64");
      return token(header, secret) ? send(this.snapshot.status, this.snapshot[name], name === "nomad" && this.snapshot.digest ? { digest: `sha-256=${sum}` } : {}) : send(403, "");
    }
    return this.s3(req, url, send);
  }

  private variableAnswer(method: string, url: URL, body: string, send: (status: number, text: string) => void): void {
    if (method === "GET") return this.variable ? send(200, JSON.stringify(this.variable)) : send(404, "");
    if (this.conflicts > 0) {
      this.conflicts -= 1;
      this.variable = { Items: { ...this.variable?.Items, other: "1" }, ModifyIndex: (this.variable?.ModifyIndex ?? 0) + 1 };
    }
    if (Number(url.searchParams.get("cas")) !== (this.variable?.ModifyIndex ?? 0)) return send(409, "{}");
    this.variable = { Items: (JSON.parse(body) as { Items: Record<string, string> }).Items, ModifyIndex: (this.variable?.ModifyIndex ?? 0) + 1 };
    return send(200, "{}");
  }

  private s3(req: IncomingMessage, url: URL, send: (status: number, text: string, headers?: Record<string, string>) => void): void {
    const signature = /^AWS4-HMAC-SHA256 Credential=BACKUPKEY\/\d{8}\/us-east-1\/s3\/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$/;
    if (!signature.test(req.headers.authorization ?? "")) return send(403, "<Error><Code>AccessDenied</Code><Message>no signature</Message></Error>");
    const [, bucket, ...rest] = url.pathname.split("/");
    const stored = this.buckets.get(bucket);
    if (!stored) return send(404, "<Error><Code>NoSuchBucket</Code><Message>there is none</Message></Error>");
    if (url.searchParams.has("versioning")) return send(200, `<VersioningConfiguration>${this.unversioned.has(bucket) ? "" : "<Status>Enabled</Status>"}</VersioningConfiguration>`);
    if (url.searchParams.has("versions")) return send(200, this.list(stored, url.searchParams));
    const key = rest.map(decodeURIComponent).join("/");
    const version = stored.find(({ key: of, id }) => of === key && id === url.searchParams.get("versionId"));
    if (version?.body === undefined) return send(404, "<Error><Code>NoSuchVersion</Code><Message>gone</Message></Error>");
    const fails = this.failing.get(key) ?? 0;
    if (fails > 0) {
      this.failing.set(key, fails - 1);
      return send(503, "<Error><Code>SlowDown</Code><Message>later</Message></Error>");
    }
    return send(200, version.body.slice(0, version.body.length - (this.cut.get(key) ?? 0)), version.type ? { "content-type": version.type } : {});
  }

  /** As MinIO does: by key, newest first, versions and markers between each other, keys in URL encoding. */
  private list(stored: readonly StoredVersion[], query: URLSearchParams): string {
    const entries = [...stored].reverse().sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    const latest = (entry: StoredVersion) => entries.find(({ key }) => key === entry.key) === entry;
    const after = entries.findIndex(({ key, id }) => key === query.get("key-marker") && id === query.get("version-id-marker")) + 1;
    const page = entries.slice(after, after + this.page);
    const more = after + this.page < entries.length;
    const encode = (key: string) => encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+");
    const last = page[page.length - 1];
    return `<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${more ? `<NextKeyMarker>${encode(last.key)}</NextKeyMarker><NextVersionIdMarker>${last.id}</NextVersionIdMarker>` : ""}${page
      .map((entry) => {
        const kind = entry.body === undefined ? "DeleteMarker" : "Version";
        return `<${kind}><Key>${xml(encode(entry.key))}</Key><LastModified>${entry.at}</LastModified><ETag>&#34;0&#34;</ETag>${entry.body === undefined ? "" : `<Size>${Buffer.byteLength(entry.body)}</Size>`}<VersionId>${entry.id}</VersionId><IsLatest>${latest(entry)}</IsLatest></${kind}>`;
      })
      .join("")}</ListVersionsResult>`;
  }
}
