/** A Convex backend in memory, as far as data commands ask it, with faults that a test plants. */
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import { computeAdminKey } from "../../../scripts/data/convex/admin-key";
import type { ConvexAccess } from "../../../scripts/data/convex/access";
import { ConvexInstance } from "../../../scripts/data/convex/instance";
import type { Fields } from "../../../scripts/data/convex/values";
import { Duration } from "../../../contracts/units";

export const INSTANCE = "fake";
export const SECRET = createHash("sha256").update("of the fake").digest();
export const KEY = computeAdminKey(INSTANCE, SECRET);

export interface FakeImport {
  readonly _id: string;
  readonly content: Buffer;
  state: Fields;
}

export class ConvexFake {
  readonly tables = new Map<string, Fields[]>();
  readonly files = new Map<string, { readonly internalId: string; readonly row: Fields; content: Buffer | undefined }>();
  readonly imports: FakeImport[] = [];
  /** `METHOD path`, and of a function call its path. */
  readonly asked: string[] = [];
  /** Answers 503 to so many requests that come next. */
  awayFor = 0;
  /** Says so many times that tables are not counted yet. */
  uncountedFor = 0;
  /** Bytes over which a page is answered with more than a client reads. */
  pageLimit = Infinity;
  deployed = true;
  performed = 0;
  /** Cuts the connection instead of answering, after the work is done. */
  cutAfter: (line: string) => boolean = () => false;
  /** Cuts the connection before anything is done. */
  cutBefore: (line: string) => boolean = () => false;
  /** What a confirmed import becomes at the next look; undefined keeps it in progress. */
  outcome: ((content: Buffer) => Fields) | undefined = (content) => ({ state: "completed", num_rows_written: BigInt(content.length) });
  private readonly uploads = new Map<string, Map<number, Buffer>>();
  private server: Server | undefined;

  async start(): Promise<this> {
    this.server = createServer((request, response) => void this.answer(request, response));
    await new Promise<void>((done) => this.server!.listen(0, "127.0.0.1", done));
    return this;
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((done) => this.server?.close(done));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server!.address() as AddressInfo).port}`;
  }

  access(key = KEY): ConvexAccess {
    return { side: "nomad", address: this.url, adminKey: async () => key, instanceName: async () => INSTANCE };
  }

  instance(options: { readonly signal?: AbortSignal; readonly key?: string } = {}): ConvexInstance {
    return new ConvexInstance(this.access(options.key), { signal: options.signal, retryEvery: Duration.ms(5), patience: Duration.ms(200), summariesPatience: Duration.ms(500) });
  }

  /** Uploads that were begun, whether anything came of them or not. */
  get uploadsBegun(): number {
    return this.uploads.size;
  }

  /** As if the object store had cleaned up. */
  forgetUploads(): void {
    this.uploads.clear();
  }

  store(id: string, content: Buffer, contentType: string | undefined = "text/plain"): Fields {
    const row = { _id: id, _creationTime: 1.5, sha256: createHash("sha256").update(content).digest("base64"), size: BigInt(content.length), ...(contentType === undefined ? {} : { contentType }) };
    this.files.set(id, { internalId: randomUUID(), row: { ...row }, content });
    return row;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, "http://fake");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const call = /^\/api\/(query|mutation|action)$/.test(url.pathname) ? (JSON.parse(body.toString()) as { path: string; args: [Parameters<typeof jsonToConvex>[0]] }) : undefined;
    const line = call ? call.path : `${request.method} ${url.pathname}`;
    this.asked.push(line);
    if (this.cutBefore(line)) return void request.socket.destroy();
    if (this.awayFor-- > 0) return this.send(response, 503, { code: "ServiceUnavailable", message: "try again" });
    const admin = call ? call.path.startsWith("_system/") : url.pathname.startsWith("/api/import") || url.pathname === "/api/perform_import";
    if (admin && request.headers.authorization !== `Convex ${KEY}`) return this.send(response, 403, { code: "BadAdminKey", message: `not a key: ${request.headers.authorization}` });
    const [status, answer] = call ? this.call(call.path, jsonToConvex(call.args[0]) as Fields) : this.http(url, body);
    if (this.cutAfter(line)) return void request.socket.destroy();
    this.send(response, status, answer);
  }

  private send(response: ServerResponse, status: number, answer: unknown): void {
    response.writeHead(status);
    response.end(Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
  }

  private call(path: string, args: Fields): [number, unknown] {
    const ok = (value: unknown): [number, unknown] => [200, { status: "success", value: convexToJson(value as Value), logLines: [] }];
    const failed = (errorMessage: string): [number, unknown] => [200, { status: "error", errorMessage, logLines: [] }];
    if (!path.startsWith("_system/") && !this.deployed) return failed(`Could not find public function for '${path}'. Did you forget to run \`npx convex dev\` or \`npx convex deploy\`?`);
    switch (path) {
      case "_system/cli/tables:default":
        return ok({ page: [...this.tables.keys()].map((name) => ({ name })), isDone: true, continueCursor: "end" });
      case "_system/cli/tableSize:default":
        if (this.uncountedFor-- > 0) return [503, { code: "TableSummariesUnavailable", message: "Table summaries unavailable (still bootstrapping)" }];
        return ok(this.tables.get(args.tableName as string)?.length ?? 0);
      case "_system/cli/tableData:default":
        return this.page(args, ok);
      case "_system/cli/queryImport:list":
        return ok(this.imports.map(({ _id, state }) => ({ _id, state })));
      case "_system/cli/queryImport:default":
        return ok(this.look(args.importId as string));
      case "_system/cli/exports:getLatest":
        return ok(null);
      case "ingestion_runs:complete": {
        const run = this.tables.get("ingestion_runs")?.find(({ id }) => id === args.id);
        if (!run) return ok(null);
        Object.assign(run, args, { finished_at: "now", updated_at: "now", coverage_pct: args.coverage_pct ?? null, missing_fields_count: args.missing_fields_count ?? null, parse_confidence: args.parse_confidence ?? null });
        return ok({});
      }
      case "storage:getFileUrl": {
        const file = this.files.get(args.storageId as string);
        return ok(file ? `http://elsewhere:3210/api/storage/${file.internalId}` : null);
      }
      default:
        return failed(`Could not find function ${path}`);
    }
  }

  private page({ table, order, paginationOpts }: Fields, ok: (value: unknown) => [number, unknown]): [number, unknown] {
    const { cursor, numItems } = paginationOpts as unknown as { cursor: string | null; numItems: number };
    const rows = table === "_storage" ? [...this.files.values()].map(({ row }) => row) : [...(this.tables.get(table as string) ?? [])];
    if (order === "desc") rows.reverse();
    const from = Number(cursor ?? 0);
    const page = rows.slice(from, from + numItems);
    const answer = ok({ page, isDone: from + numItems >= rows.length, continueCursor: String(from + numItems) });
    return JSON.stringify(answer).length > this.pageLimit ? [200, Buffer.alloc(17 * 2 ** 20, " ")] : answer;
  }

  private look(id: string): Fields | null {
    const found = this.imports.find(({ _id }) => _id === id);
    if (!found) return null;
    if (found.state.state === "uploaded") found.state = { state: "waiting_for_confirmation", message_to_confirm: "Import change summary" };
    else if (found.state.state === "in_progress" && this.outcome) found.state = this.outcome(found.content);
    return { _id: id, state: found.state };
  }

  private http(url: URL, body: Buffer): [number, unknown] {
    const internalId = /^\/api\/storage\/(.+)$/.exec(url.pathname)?.[1];
    if (internalId) {
      const file = [...this.files.values()].find((candidate) => candidate.internalId === internalId);
      return file?.content ? [200, file.content] : [404, { code: "FileNotFound", message: "no file" }];
    }
    switch (url.pathname) {
      case "/version":
        return [200, Buffer.from("fake")];
      case "/api/import/start_upload": {
        const uploadToken = `upload ${this.uploads.size + 1}`;
        this.uploads.set(uploadToken, new Map());
        return [200, { uploadToken }];
      }
      case "/api/import/upload_part": {
        const upload = this.uploads.get(url.searchParams.get("uploadToken")!);
        if (!upload) return [400, { code: "NoSuchUpload", message: "the upload is not known" }];
        const number = Number(url.searchParams.get("partNumber"));
        upload.set(number, body);
        return [200, `part ${number}`];
      }
      case "/api/import/finish_upload": {
        const { uploadToken, partTokens } = JSON.parse(body.toString()) as { uploadToken: string; partTokens: string[] };
        const upload = this.uploads.get(uploadToken);
        if (!upload) return [400, { code: "NoSuchUpload", message: "the upload is not known" }];
        const content = Buffer.concat(partTokens.map((token) => upload.get(Number(token.slice("part ".length)))!));
        this.uploads.delete(uploadToken);
        const _id = `import${this.imports.length + 1}`;
        this.imports.push({ _id, content, state: { state: "uploaded" } });
        return [200, { importId: _id }];
      }
      case "/api/perform_import": {
        const { importId } = JSON.parse(body.toString()) as { importId: string };
        const found = this.imports.find(({ _id }) => _id === importId)!;
        if (found.state.state !== "waiting_for_confirmation") return [400, { code: "ImportNotWaiting", message: "it does not wait" }];
        found.state = { state: "in_progress", progress_message: "Importing" };
        this.performed++;
        return [200, null];
      }
      default:
        return [404, { code: "NotFound", message: url.pathname }];
    }
  }
}
