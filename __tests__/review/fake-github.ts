/** A fake of GitHub's comments API on loopback: its status codes, pages, and who wrote what. */
import http from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeComment {
  id: number;
  body: string;
  user: { type: "Bot" | "User" };
  html_url: string;
}

const TOKEN = "token-of-the-test";

export class FakeGitHub {
  readonly comments: FakeComment[] = [];
  /** Requests, "PATCH /repos/o/n/issues/comments/3". */
  readonly asked: string[] = [];
  /** The token may read, and write nothing. */
  readOnly = false;
  readonly token = TOKEN;
  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<FakeGitHub> {
    const server = http.createServer();
    const fake = new FakeGitHub(server);
    server.on("request", (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const [status, answer] = request.headers.authorization === `Bearer ${TOKEN}` ? fake.answer(request.method!, new URL(request.url!, "http://fake"), body) : [401, { message: "Bad credentials" }];
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return fake;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  close = (): Promise<void> => new Promise((done) => this.server.close(() => done()));

  add(body: string, type: FakeComment["user"]["type"]): FakeComment {
    const id = this.comments.length + 1;
    const comment: FakeComment = { id, body, user: { type }, html_url: `https://github.example.com/example/platform/pull/7#issuecomment-${id}` };
    this.comments.push(comment);
    return comment;
  }

  private answer(method: string, url: URL, body: string): [number, unknown] {
    this.asked.push(`${method} ${url.pathname}`);
    const root = "/repos/example/platform/issues";
    if (method === "GET" && url.pathname === `${root}/7/comments`) {
      const [page, size] = [Number(url.searchParams.get("page")), Number(url.searchParams.get("per_page"))];
      return [200, this.comments.slice((page - 1) * size, page * size)];
    }
    const text = (): string => (JSON.parse(body) as { body: string }).body;
    if (method !== "GET" && this.readOnly) return [403, { message: "Resource not accessible by integration" }];
    if (method === "POST" && url.pathname === `${root}/7/comments`) return [201, this.add(text(), "Bot")];
    const comment = this.comments.find(({ id }) => url.pathname === `${root}/comments/${id}`);
    if (method === "PATCH" && comment) {
      comment.body = text();
      return [200, comment];
    }
    return [404, { message: "Not Found" }];
  }
}
