/** A double of what receives alerts and the dead-man's signal: it keeps what it is sent. */

/** Beyond it the oldest go. */
const MOST_KEPT = 2_000;
const MAX_BODY_CHARACTERS = 64 * 1024;
const DOUBLE = { "x-gvfx-double": "alerts" };

interface Kept {
  readonly at: string;
  readonly method: string;
  readonly source: string;
  /** Whether a token came along; never which. */
  readonly authorized: boolean;
  readonly body: unknown;
}

export class AlertSink {
  private readonly kept = { alerts: [] as Kept[], heartbeats: [] as Kept[] };

  async answer(request: Request, source: string, nowMs: number): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return json({ status: "ok", double: "alerts" });
    if (pathname === "/lab/alerts" && request.method === "GET") return json(this.kept);
    if (pathname === "/lab/reset" && request.method === "POST") {
      this.kept.alerts.length = 0;
      this.kept.heartbeats.length = 0;
      return json({ reset: true });
    }
    if (pathname === "/alerts" && request.method === "POST") return json(await keep(this.kept.alerts, request, source, nowMs), 202);
    // The guardian's dead-man's signal is a GET.
    if (pathname === "/heartbeat") return json(await keep(this.kept.heartbeats, request, source, nowMs), request.method === "GET" ? 200 : 202);
    return json({ error: `the double of the alert destination has no ${request.method} ${pathname}` }, 404);
  }
}

async function keep(list: Kept[], request: Request, source: string, nowMs: number): Promise<object> {
  const text = (await request.text()).slice(0, MAX_BODY_CHARACTERS);
  list.push({ at: new Date(nowMs).toISOString(), method: request.method, source, authorized: request.headers.has("authorization"), body: parsed(text) });
  if (list.length > MOST_KEPT) list.shift();
  return { accepted: true, double: "alerts" };
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return text;
  }
}

function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: DOUBLE });
}
