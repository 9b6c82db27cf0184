/** A fake of HCP Terraform's API on loopback: what `gvfx hcp init` asks of it, with its status codes and its JSON:API form, two entries a page. */
import http from "node:http";
import type { AddressInfo } from "node:net";

interface FakeWorkspace {
  id: string;
  attributes: Record<string, unknown>;
  project: string;
  readers: string[];
  triggers: { id: string; source: string }[];
  variables: { key: string; value: string; sensitive: boolean }[];
}

const TOKEN = "token-of-the-test";
const ORGANIZATION = "example-org";
const PAGE = 2;

export class FakeHcp {
  readonly projects = new Map<string, string>();
  readonly pools = new Map<string, string>([["on-the-tailnet", "apool-1"]]);
  readonly workspaces: FakeWorkspace[] = [];
  /** Requests that change something. */
  readonly changes: string[] = [];
  /** Answers the n-th change with 500, and does nothing. */
  failsAt: number | undefined;
  private serial = 0;
  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<FakeHcp> {
    const server = http.createServer();
    const fake = new FakeHcp(server);
    server.on("request", (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const [status, answer] = request.headers.authorization === `Bearer ${TOKEN}` ? fake.answer(request.method!, new URL(request.url!, "http://fake"), body === "" ? undefined : (JSON.parse(body) as { data: never })) : [401, { errors: [] }];
        response.writeHead(status, { "content-type": "application/vnd.api+json" }).end(answer === undefined ? "" : JSON.stringify(answer));
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return fake;
  }

  readonly token = TOKEN;
  readonly organization = ORGANIZATION;
  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  close = (): Promise<void> => new Promise((done) => this.server.close(() => done()));

  workspace(name: string): FakeWorkspace {
    return this.workspaces.find(({ attributes }) => attributes.name === name)!;
  }
  nameOf(id: string): string {
    return String(this.workspaces.find((workspace) => workspace.id === id)?.attributes.name);
  }

  private answer(method: string, url: URL, body: { data: never } | undefined): readonly [number, unknown?] {
    const path = url.pathname.replace("/api/v2", "");
    if (method !== "GET") {
      this.changes.push(`${method} ${path}`);
      if (this.changes.length === this.failsAt) return [500, { errors: [] }];
    }
    const page = (list: readonly object[]): readonly [number, unknown] => {
      const number = Number(url.searchParams.get("page[number]") ?? "1");
      return [200, { data: list.slice((number - 1) * PAGE, number * PAGE), meta: { pagination: { "next-page": number * PAGE < list.length ? number + 1 : null } } }];
    };
    const organization = `/organizations/${ORGANIZATION}`;
    if (path === `${organization}/projects` && method === "GET") return page([...this.projects].map(([name, id]) => ({ id, attributes: { name } })));
    if (path === `${organization}/projects`) return [201, { data: { id: this.make(this.projects, (body!.data as { attributes: { name: string } }).attributes.name, "prj") } }];
    if (path === `${organization}/agent-pools`) return page([...this.pools].map(([name, id]) => ({ id, attributes: { name } })));
    if (path === `${organization}/workspaces`) return this.create(body!.data);
    const named = new RegExp(`^${organization}/workspaces/(.+)$`).exec(path);
    if (named) {
      const workspace = this.workspaces.find(({ attributes }) => attributes.name === decodeURIComponent(named[1]));
      return workspace ? [200, { data: { id: workspace.id, attributes: workspace.attributes, relationships: { project: { data: { id: workspace.project, type: "projects" } } } } }] : [404, { errors: [] }];
    }
    if (method === "DELETE" && path.startsWith("/run-triggers/")) {
      for (const workspace of this.workspaces) workspace.triggers = workspace.triggers.filter(({ id }) => id !== path.split("/")[2]);
      return [204];
    }
    const [, , id, ...rest] = path.split("/");
    const workspace = this.workspaces.find((one) => one.id === id);
    return workspace ? this.ofWorkspace(workspace, method, rest.join("/"), body?.data, page) : [404, { errors: [] }];
  }

  private ofWorkspace(workspace: FakeWorkspace, method: string, what: string, data: unknown, page: (list: readonly object[]) => readonly [number, unknown]): readonly [number, unknown?] {
    switch (`${method} ${what}`) {
      case "PATCH ": {
        const { attributes, relationships } = data as { attributes: object; relationships: { project: { data: { id: string } } } };
        Object.assign(workspace.attributes, attributes);
        workspace.project = relationships.project.data.id;
        return [200, { data: { id: workspace.id } }];
      }
      case "GET relationships/remote-state-consumers":
        return page(workspace.readers.map((id) => ({ id, type: "workspaces" })));
      // As go-tfe has it: neither takes an empty list.
      case "POST relationships/remote-state-consumers":
      case "DELETE relationships/remote-state-consumers": {
        const named = (data as { id: string }[]).map(({ id }) => id);
        if (named.length === 0) return [422, { errors: [] }];
        workspace.readers = [...workspace.readers.filter((id) => !named.includes(id)), ...(method === "POST" ? named : [])];
        return [204];
      }
      case "GET run-triggers":
        return page(workspace.triggers.map(({ id, source }) => ({ id, relationships: { sourceable: { data: { id: source } } } })));
      case "POST run-triggers": {
        const trigger = { id: `rt-${(this.serial += 1)}`, source: (data as { relationships: { sourceable: { data: { id: string } } } }).relationships.sourceable.data.id };
        workspace.triggers.push(trigger);
        return [201, { data: { id: trigger.id } }];
      }
      case "GET vars":
        return page(workspace.variables.map(({ key }, n) => ({ id: `var-${n}`, attributes: { key, category: "env", value: null } })));
      case "POST vars": {
        const { key, value, sensitive } = (data as { attributes: { key: string; value: string; sensitive: boolean } }).attributes;
        if (workspace.variables.some((variable) => variable.key === key)) return [422, { errors: [] }];
        workspace.variables.push({ key, value, sensitive });
        return [201, { data: { id: `var-${key}` } }];
      }
      default:
        return [404, { errors: [] }];
    }
  }

  private create(data: unknown): readonly [number, unknown] {
    const { attributes, relationships } = data as { attributes: Record<string, unknown>; relationships: { project: { data: { id: string } } } };
    if (this.workspace(String(attributes.name))) return [422, { errors: [] }];
    const id = `ws-${(this.serial += 1)}`;
    this.workspaces.push({ id, attributes: { ...attributes }, project: relationships.project.data.id, readers: [], triggers: [], variables: [] });
    return [201, { data: { id } }];
  }

  private make(names: Map<string, string>, name: string, kind: string): string {
    const id = `${kind}-${(this.serial += 1)}`;
    names.set(name, id);
    return id;
  }
}
