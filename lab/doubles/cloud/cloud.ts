/**
 * Doubles of Vultr's and Tailscale's APIs under their real names, for real programs:
 * a proxy that they are told of by HTTPS_PROXY answers for api.vultr.com and
 * api.tailscale.com itself, with a certificate of an authority that they trust by
 * SSL_CERT_FILE, and refuses every other name. Nothing leaves the machine.
 */
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { rmSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import type { ApiDouble } from "./api";
import { makeAuthority, type Authority } from "./authority";
import { readUserData } from "./first-boot";
import { TailnetApiDouble } from "./tailnet-api";
import { VultrApiDouble } from "./vultr-api";

/** Between the machine's creation and its joining: some minutes in truth, here long enough to be waited for. */
const BOOT_MS = 2_500;

export class CloudDouble {
  readonly vultr = new VultrApiDouble();
  readonly tailnet: TailnetApiDouble;
  /** What went wrong in machines, which no API tells. */
  readonly consoles: string[] = [];
  /** Names that were asked for and are not of these two. */
  readonly refused: string[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly boots = new Set<NodeJS.Timeout>();
  private readonly byHost: Readonly<Record<string, ApiDouble>>;
  private readonly authority: Authority;
  private readonly tls: TlsServer;
  private readonly proxy: Server;

  /**
   * @param policy policy file that the tailnet has already
   * @param witnessAddress tailnet address that a machine is given when it joins
   */
  constructor(policy: string, witnessAddress: string) {
    this.tailnet = new TailnetApiDouble(policy);
    this.byHost = { "api.vultr.com": this.vultr, "api.tailscale.com": this.tailnet };
    this.vultr.onBoot = ({ userData }) => {
      const boot = setTimeout(() => {
        this.boots.delete(boot);
        try {
          const { authKey, hostname } = readUserData(userData);
          this.tailnet.join(authKey, hostname, witnessAddress);
        } catch (error) {
          this.consoles.push((error as Error).message);
        }
      }, BOOT_MS);
      this.boots.add(boot);
    };
    this.authority = makeAuthority(Object.keys(this.byHost));
    this.tls = createTlsServer({ cert: this.authority.certificate, key: this.authority.key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const host = request.headers.host ?? "";
        const api = Object.hasOwn(this.byHost, host) ? this.byHost[host] : { answer: () => ({ status: 421, body: undefined }) };
        const { status, body } = api.answer({ method: request.method ?? "GET", url: new URL(request.url ?? "/", `https://${host}`), body: Buffer.concat(chunks).toString(), authorization: request.headers.authorization });
        response.writeHead(status, { "content-type": "application/json", "x-gvfx-double": "true" });
        response.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
      });
    });
    this.proxy = createServer((_request, response) => void response.writeHead(405).end("this double's proxy takes CONNECT only\n"));
    this.proxy.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    this.proxy.on("connect", ({ url }: { url?: string }, socket: Socket, head: Buffer) => {
      const [host, port] = (url ?? "").split(":");
      if (!Object.hasOwn(this.byHost, host) || port !== "443") {
        this.refused.push(url ?? "");
        socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
        return;
      }
      socket.on("error", () => socket.destroy());
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      if (head.length > 0) socket.unshift(head);
      this.tls.emit("connection", socket);
    });
  }

  /** @returns environment in which a program takes these for the real ones, with keys that they admit */
  async start(): Promise<Readonly<Record<string, string>>> {
    await new Promise<void>((resolve) => this.proxy.listen(0, "127.0.0.1", resolve));
    const proxy = `http://127.0.0.1:${(this.proxy.address() as AddressInfo).port}`;
    return { HTTPS_PROXY: proxy, https_proxy: proxy, NO_PROXY: "", no_proxy: "", SSL_CERT_FILE: this.authority.file, VULTR_API_KEY: VultrApiDouble.KEY, TAILSCALE_API_KEY: TailnetApiDouble.KEY };
  }

  stop(): void {
    for (const boot of this.boots) clearTimeout(boot);
    this.proxy.close();
    for (const socket of this.sockets) socket.destroy();
    rmSync(this.authority.folder, { recursive: true, force: true });
  }
}
