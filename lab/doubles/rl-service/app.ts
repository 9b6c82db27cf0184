/** What the double answers, as a function of a request: the same in Bun, where it runs, and in Node, where it is tested. */
import { CALLS, type Sleep } from "./calls";
import { Refusal } from "./model";
import { REQUESTS, RL_PATHS, type RlPath, type RlRequest } from "./requests";
import type { RlServiceSettings } from "./settings";

const DOUBLE = { "x-gvfx-double": "rl-service" };

export interface RlService {
  readonly settings: RlServiceSettings;
  /** Milliseconds since the process began. */
  readonly uptimeMs: () => number;
  readonly sleep: Sleep;
  /** Answers so far, by `<path> <status>`; /metrics shows them. */
  readonly answered: Map<string, number>;
}

export async function answer(request: Request, service: RlService): Promise<Response> {
  const path = new URL(request.url).pathname;
  const response = await route(request, path, service);
  const key = `${(RL_PATHS as readonly string[]).includes(path) ? path : "other"} ${response.status}`;
  service.answered.set(key, (service.answered.get(key) ?? 0) + 1);
  return response;
}

async function route(request: Request, path: string, service: RlService): Promise<Response> {
  if (request.method === "GET") {
    if (path === "/") return json({ status: "ready" });
    if (path === "/health") return health(service);
    if (path === "/metrics") return new Response(metrics(service), { headers: { ...DOUBLE, "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
  }
  if (!(path in REQUESTS)) return json({ detail: "Not Found" }, 404);
  if (request.method !== "POST") return json({ detail: "Method Not Allowed" }, 405);
  return call(path as RlPath, request, service);
}

async function call<P extends RlPath>(path: P, request: Request, service: RlService): Promise<Response> {
  let body: unknown;
  try {
    body = await request.json();
  } catch {
    return json({ detail: [{ type: "json_invalid", loc: ["body", 0], msg: "JSON decode error" }] }, 422);
  }
  const errors = REQUESTS[path](body, ["body"]);
  if (errors.length > 0) return json({ detail: errors }, 422);
  try {
    return json(await CALLS[path](body as RlRequest[P], service.settings, service.sleep));
  } catch (error) {
    if (error instanceof Refusal) return json({ detail: error.detail }, error.status);
    throw error;
  }
}

function health({ settings, uptimeMs }: RlService): Response {
  const loaded = uptimeMs() >= settings.loadMs;
  const ml_dependencies = { stable_baselines3: loaded, nautilus_trader: loaded };
  if (settings.healthRequireMl && !loaded) return json({ detail: { error: "ml_dependencies_missing", ml_dependencies } }, 503);
  return json({ status: "ok", environment: settings.environment, ml_dependencies, strict_model_inference: settings.strictModelInference, strict_backtest: settings.strictBacktest, timestamp: new Date().toISOString(), double: "rl-service" });
}

function metrics({ answered }: RlService): string {
  const lines = [...answered].map(([key, count]) => {
    const [path, status] = key.split(" ");
    return `rl_service_double_answers_total{path="${path}",status="${status}"} ${count}`;
  });
  return ["# HELP rl_service_double_answers_total Answers of the double of the RL service.", "# TYPE rl_service_double_answers_total counter", ...lines, ""].join("\n");
}

function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: DOUBLE });
}
