/** A local HTTP or HTTPS server that plays a service. */
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly method: string;
  /** Path with its query. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface DoubleAnswer {
  readonly status?: number;
  /** Sent as JSON, unless it is text. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Respond = (request: SeenRequest) => DoubleAnswer | "silence";

export interface Double {
  readonly url: string;
  readonly port: number;
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** @param respond "silence" keeps the caller waiting */
export async function startDouble(respond: Respond, tls?: { readonly cert: string; readonly key: string }): Promise<Double> {
  const requests: SeenRequest[] = [];
  const listener: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const seen = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString("utf8") };
      requests.push(seen);
      const answer = respond(seen);
      if (answer === "silence") return;
      const { status = 200, body = "", headers = {} } = answer;
      response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
    });
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  // A caller that does not trust us hangs up; that is its right.
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    requests,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}
