/** What the double of the api answers, as a function of a request: the same in Bun, where it runs, and in Node, where it is tested. */
import { API_WRITES } from "../../../../contracts/http-writes";
import { FaultyAnswers } from "../faults";
import { Refusal, Router, type Api, type Call, type Reply } from "./router";
import { labRoutes } from "./routes/lab";
import { learningRoutes } from "./routes/learning";
import { marketRoutes } from "./routes/market";
import { operationsRoutes } from "./routes/operations";
import { tradingRoutes } from "./routes/trading";

const METHODS = "GET,POST,PUT,PATCH,DELETE,OPTIONS";

export class ApiDouble {
  private readonly router = new Router(labRoutes, operationsRoutes, marketRoutes, tradingRoutes, learningRoutes);
  private readonly faults: FaultyAnswers;
  /** Answers by status, for /metrics. */
  private readonly answers = new Map<number, number>();

  constructor(private readonly api: Api) {
    this.faults = new FaultyAnswers(api.settings.fault, "/health");
  }

  async answer(request: Request): Promise<Response> {
    const response = await this.respond(request);
    this.answers.set(response.status, (this.answers.get(response.status) ?? 0) + 1);
    return response;
  }

  private async respond(request: Request): Promise<Response> {
    const { api } = this;
    const url = new URL(request.url);
    const path = url.pathname.length > 1 ? url.pathname.replace(/\/$/, "") : url.pathname;
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { ...this.headers(), "access-control-allow-methods": METHODS, "access-control-allow-headers": "Content-Type,Authorization" } });
    const failed = this.faults.status(path, api.uptimeMs());
    // What fails on purpose has arrived all the same.
    if (path !== "/lab/echo") await api.received.add(request.method, path, request.headers.get("x-request-id"), api.now());
    if (failed) return this.json({ error: `the double of the api fails on purpose (LAB_FAULT=${api.settings.fault})` }, failed);
    if (path === "/metrics" && request.method === "GET") return new Response(this.metrics(), { headers: { ...this.headers(), "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
    if (path !== "/health" && !path.startsWith("/health/") && !this.authorized(request)) return this.json({ error: "Unauthorized" }, 401);
    const found = this.router.find(request.method, path);
    if (!found) return this.missing(request.method, path);
    try {
      const reply: Reply = await found.handler({ api, params: found.params, query: url.searchParams, body: () => bodyOf(request), headers: request.headers } satisfies Call);
      return this.json(reply.body, reply.status);
    } catch (error) {
      if (error instanceof Refusal) return this.json(error.body, error.status);
      const message = error instanceof Error ? error.message : "Unknown error";
      api.log(`${request.method} ${path}: ${message}`);
      return this.json({ error: message }, 500);
    }
  }

  private authorized(request: Request): boolean {
    const { apiToken } = this.api.settings;
    if (!apiToken) return true;
    const [scheme, value] = (request.headers.get("authorization") ?? "").split(" ");
    return scheme.toLowerCase() === "bearer" && value === apiToken;
  }

  private missing(method: string, path: string): Response {
    const known = API_WRITES.some((write) => write.method === method && new RegExp(`^${write.path.replaceAll(/:[A-Za-z]+/g, "[^/]+")}$`).test(path));
    return known ? this.json({ error: `the double of the api does not do ${method} ${path}` }, 501) : this.json({ error: `the double of the api has no ${method} ${path}` }, 404);
  }

  private headers(): Record<string, string> {
    const { settings } = this.api;
    return { "x-gvfx-double": "api", "x-gvfx-double-version": settings.version, "access-control-allow-origin": settings.corsOrigin };
  }

  private json(body: unknown, status = 200): Response {
    return Response.json(body, { status, headers: this.headers() });
  }

  private metrics(): string {
    const { settings } = this.api;
    const name = `${settings.metricsPrefix}double_api_answers_total`;
    const lines = [...this.answers].map(([status, count]) => `${name}{status="${status}"} ${count}`);
    return [`${settings.metricsPrefix}up 1`, `# HELP ${name} Answers of the double of the api.`, `# TYPE ${name} counter`, ...lines, ""].join("\n");
  }
}

async function bodyOf(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, { error: "Invalid request", details: ["the body is no JSON"] });
  }
}
