/** What the double answers, as a function of a request: the same in Bun, where it runs, and in Node, where it is tested. */
import type { FrontendSettings } from "./environment";
import { page } from "./pages";
import { PROXY_PREFIX, proxyCall } from "./proxy";

/** Says on every answer that the double makes by itself what made it. */
const DOUBLE = { "x-gvfx-double": "frontend" };

export async function answer(request: Request, settings: FrontendSettings): Promise<Response> {
  const path = new URL(request.url).pathname;
  if (path.startsWith(PROXY_PREFIX)) return proxyCall(request, settings);
  const text = page(path, settings);
  if (text === undefined) return new Response(`the double of the frontend has no ${path}\n`, { status: 404, headers: DOUBLE });
  if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405, headers: { ...DOUBLE, allow: "GET, HEAD" } });
  return new Response(request.method === "HEAD" ? null : text, { headers: { ...DOUBLE, "content-type": "text/html; charset=utf-8" } });
}
