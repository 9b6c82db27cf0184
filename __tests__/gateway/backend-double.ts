/** A double of an app service that breaks as its path says, and counts what reaches it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export const WAYS_TO_BREAK = ["close", "reset", "close-early", "close-midway", "hang", "error"] as const;
export type WayToBreak = (typeof WAYS_TO_BREAK)[number];

export class BackendDouble {
  /** Requests that arrived, as "METHOD /path"; health checks are left out. */
  readonly received: string[] = [];
  /** Connections that are open and carried a request that was no health check. */
  readonly connections = new Set<Socket>();
  /** What its health check is answered with. */
  health = 200;
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  /** @param port 0 lets the system choose */
  static async start(port = 0): Promise<BackendDouble> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    const double = new BackendDouble(server);
    server.on("connection", (socket) => {
      double.sockets.add(socket);
      socket.on("close", () => double.sockets.delete(socket));
    });
    server.on("request", (request, response) => double.handle(request, response));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return double;
  }

  get port(): number { return (this.server.address() as AddressInfo).port; }

  /** From now on the port refuses connections; those that are open are cut. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "/";
    if (path === "/health" || (path === "/" && request.method === "GET")) {
      response.writeHead(this.health).end("ok");
      return;
    }
    this.received.push(`${request.method} ${path}`);
    this.connections.add(request.socket);
    request.socket.on("close", () => this.connections.delete(request.socket));
    if (path === "/close-early") {
      request.socket.destroy();
      return;
    }
    request.resume().on("end", () => this.answer(path, request.socket, response));
  }

  private answer(path: string, socket: Socket, response: ServerResponse): void {
    switch (path) {
      case "/close": return void socket.destroy();
      case "/reset": return void socket.resetAndDestroy();
      case "/close-midway": return void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it");
      case "/error": return void response.writeHead(500).end("broken");
      case "/hang": return;
      default: {
        const wait = /^\/wait\/(\d+)$/.exec(path) ?? (path === "/ops/trading/reconcile" ? ["", "800"] : undefined);
        if (wait) setTimeout(() => response.end(`from ${this.port}`), Number(wait[1]));
        else response.end(`from ${this.port}`);
      }
    }
  }
}
