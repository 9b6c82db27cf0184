/** /api/backend/*: the app's proxy (frontend/src/app/api/backend/[...path]/route.ts of the app), call for call. */
import type { FrontendSettings } from "./environment";

export const PROXY_PREFIX = "/api/backend/";

/** Headers that belong to one connection and are not passed on, either way. */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length"];

/** Where a request may go, in the order in which it is tried. More than one only when no address is configured. */
export function upstreamUrls(request: Request, apiBaseUrl: string | undefined): URL[] {
  const asked = new URL(request.url);
  const host = (request.headers.get("x-forwarded-host") ?? request.headers.get("host") ?? asked.host).split(",")[0]?.trim().replace(/:\d+$/, "");
  const bases = apiBaseUrl ? [apiBaseUrl] : [...new Set([...(host ? [`http://${host}:8787`] : []), "http://localhost:8787"])];
  return bases.map((base) => {
    const url = new URL(base);
    url.pathname = `${url.pathname}/${asked.pathname.slice(PROXY_PREFIX.length)}`.replace(/\/+/g, "/");
    url.search = asked.search;
    return url;
  });
}

/** The request's headers as the API gets them: with the token, unless the browser brought one of its own. */
export function forwardedHeaders(from: Headers, apiToken: string | undefined): Headers {
  const headers = new Headers(from);
  for (const name of HOP_BY_HOP) headers.delete(name);
  // The body is passed on as it was read: a compressed one would lose its encoding on the way.
  headers.set("accept-encoding", "identity");
  if (apiToken && !headers.has("authorization")) headers.set("authorization", `Bearer ${apiToken}`);
  return headers;
}

/** Passes a call on. Answers 504 when the API is silent for too long and 502 when it cannot be reached. */
export async function proxyCall(request: Request, settings: FrontendSettings): Promise<Response> {
  const body = request.method === "GET" || request.method === "HEAD" ? undefined : await request.arrayBuffer();
  const headers = forwardedHeaders(request.headers, settings.apiToken);
  let failed: unknown;
  let upstream = "";
  for (const url of upstreamUrls(request, settings.apiBaseUrl)) {
    upstream = url.toString();
    try {
      const answer = await fetch(url, { method: request.method, headers, body, redirect: "manual", signal: AbortSignal.timeout(settings.proxyTimeoutMs) });
      const passed = new Headers(answer.headers);
      for (const name of HOP_BY_HOP) passed.delete(name);
      passed.set("x-upstream-url", upstream);
      return new Response(answer.body, { status: answer.status, headers: passed });
    } catch (error) {
      failed = error;
    }
  }
  const timedOut = (failed as { readonly name?: unknown } | undefined)?.name === "TimeoutError";
  return timedOut
    ? Response.json({ error: `Upstream request timed out after ${settings.proxyTimeoutMs}ms`, upstream }, { status: 504 })
    : Response.json({ error: "Upstream network error while forwarding request", upstream }, { status: 502 });
}
