/** What the two ports answer. */
import type { StorageFiles } from "../storage-files";
import { BadCall, callFrom, type Caller } from "./calls";

export type Route = (request: Request, url: URL) => Promise<Response | undefined> | Response | undefined;

const KINDS = { "/api/query": "query", "/api/mutation": "mutation", "/api/action": "action", "/api/function": undefined } as const;
/** Browsers may call it from anywhere, as the real one lets them. */
const CORS = { "access-control-allow-origin": "*", "access-control-allow-headers": "*", "access-control-allow-methods": "*" };

export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json", ...CORS } });
}

export function failure(status: number, code: string, message: string): Response {
  return json({ code, message }, status);
}

/** Public functions. A function's own failure is answered with 200, as the real backend does. */
export function callRoute(caller: Caller): Route {
  return async (request, url) => {
    if (request.method !== "POST" || !Object.hasOwn(KINDS, url.pathname)) return undefined;
    const body: unknown = await request.json().catch(() => undefined);
    let call;
    try {
      call = callFrom(body);
    } catch (error) {
      if (error instanceof BadCall) return failure(400, "BadJsonBody", error.message);
      throw error;
    }
    try {
      const value = await caller.call(call.path, call.args, KINDS[url.pathname as keyof typeof KINDS]);
      return json({ status: "success", value: call.encode(value), logLines: [] });
    } catch (error) {
      if (!(error instanceof Error) || isUnavailable(error)) throw error;
      const message = `${error.name === "Error" ? "Uncaught Error" : error.name}: ${error.message}`;
      return json({ status: "error", errorMessage: message, logLines: [] });
    }
  };
}

/** The database's and the network's errors carry a code; a function's do not. */
function isUnavailable(error: Error): boolean {
  return error.name === "LeaseLost" || "code" in error || "errno" in error;
}

export function fileRoutes(files: StorageFiles): Route {
  return async (request, url) => {
    if (url.pathname === "/api/storage/upload" && request.method === "POST") {
      if (!files.mayUpload(url.searchParams.get("token") ?? "")) return failure(401, "StorageTokenInvalid", "the upload URL is not one of this backend's, or older than an hour: ask storage:generateUploadUrl for another");
      const content = new Uint8Array(await request.arrayBuffer());
      return json({ storageId: await files.store(content, request.headers.get("content-type") ?? "application/octet-stream") });
    }
    const [, internalId] = /^\/api\/storage\/([0-9a-f-]{36})$/.exec(url.pathname) ?? [];
    if (!internalId || request.method !== "GET") return undefined;
    const file = await files.open(internalId);
    if (!file) return failure(404, "FileNotFound", `no file ${internalId}`);
    const headers = { "content-type": file.contentType, "content-length": String(file.size), digest: `sha-256=${file.sha256}`, "cache-control": "private, max-age=2592000", ...CORS };
    return new Response(file.stream, { headers });
  };
}

/** Health, and what it is. */
export function statusRoutes(instanceName: string, version: string): Route {
  const text = (content: string) => new Response(content, { headers: { "content-type": "text/plain; charset=utf-8", ...CORS } });
  return (request, url) => {
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
    if (request.method !== "GET") return undefined;
    if (url.pathname === "/version") return text(version);
    if (url.pathname === "/instance_name") return text(instanceName);
    if (url.pathname === "/") return text("This is a double of a Convex deployment: it speaks Convex's protocol and runs no functions but those of its FUNCTIONS.md.\n");
    return undefined;
  };
}

/** Asks each route in turn. An error of none of them is the backend's: 503, and one line in the log. */
export async function answer(routes: readonly Route[], request: Request, log: (line: string) => void): Promise<Response> {
  const url = new URL(request.url);
  try {
    for (const route of routes) {
      const response = await route(request, url);
      if (response) return response;
    }
    return failure(404, "NotFound", `the Convex double has no ${request.method} ${url.pathname}`);
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    log(`${request.method} ${url.pathname}: ${message}`);
    return failure(503, "ServiceUnavailable", message);
  }
}
