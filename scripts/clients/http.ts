/** One HTTP request with bounds, for the typed clients beside this file. Follows no redirect: a token must not travel on. */
import http from "node:http";
import https from "node:https";
import { Duration } from "../../contracts/units";

/** A tailnet answers in milliseconds, and a relayed connection within two seconds. */
const CONNECT_TIMEOUT = Duration.seconds(5);
/** Every question asked here is a small one. */
const ANSWER_TIMEOUT = Duration.seconds(15);
/** Node tries the addresses of a name for 250 ms each by default, which a slow line exceeds. */
const ADDRESS_ATTEMPT = Duration.seconds(2);
/** The largest answer, every device of a tailnet, is well below. */
const MAX_BODY_BYTES = 16 * 2 ** 20;

/** Why nobody answered. */
export type UnreachableReason = "refused" | "timeout" | "unrouted" | "name" | "untrusted" | "not-tls" | "client-certificate" | "interrupted" | "other";

/** There was no HTTP answer at all. */
export class Unreachable extends Error {
  constructor(readonly reason: UnreachableReason, message: string) {
    super(message);
    this.name = "Unreachable";
  }
}

/** There was an answer, and it was not the one asked for. The body is left out: it may repeat what was sent. */
export class UnexpectedAnswer extends Error {
  constructor(readonly status: number, what: string) {
    super(`${what} answered with status ${status}`);
    this.name = "UnexpectedAnswer";
  }
}

export interface TransportOptions {
  /** PEM of the authority to trust. @default the system's */
  readonly ca?: string;
  /** Name that the server's certificate must carry. @default the URL's host */
  readonly serverName?: string;
  /** Ends the request. */
  readonly signal?: AbortSignal;
  /** @default 5 s */
  readonly connectTimeout?: Duration;
  /** @default 15 s */
  readonly answerTimeout?: Duration;
}

export interface RequestOptions extends TransportOptions {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** The server's clock, from its Date header, less this machine's halfway through the request. Headers count whole seconds. */
  readonly clockOffset: ClockOffset | undefined;
}

/** How far another clock is ahead of this machine's, in milliseconds, and by how much that may be wrong. */
export interface ClockOffset {
  readonly milliseconds: number;
  readonly uncertainty: number;
}

/** @throws Unreachable when there is no HTTP answer */
export function request(url: string, options: RequestOptions = {}): Promise<Answer> {
  const { protocol, host } = new URL(url);
  const secure = protocol === "https:";
  const { method = "GET", headers, body, signal, connectTimeout = CONNECT_TIMEOUT, answerTimeout = ANSWER_TIMEOUT } = options;
  const bounds = { autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT.milliseconds, keepAlive: false };
  const agent = secure ? new https.Agent({ ...bounds, ca: options.ca, ...(options.serverName ? { servername: options.serverName } : {}) }) : new http.Agent(bounds);

  return new Promise((resolve, reject) => {
    const sentAt = Date.now();
    const send = (secure ? https : http).request(url, { method, agent, signal, headers: { ...headers, ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }) } });
    const connecting = setTimeout(() => send.destroy(new Unreachable("timeout", `${host} did not answer within ${connectTimeout}`)), connectTimeout.milliseconds);
    const answering = setTimeout(() => send.destroy(new Unreachable("timeout", `${host} did not finish its answer within ${answerTimeout}`)), answerTimeout.milliseconds);
    const settle = (): void => {
      clearTimeout(connecting);
      clearTimeout(answering);
    };
    const failed = (error: Error): void => {
      settle();
      reject(error instanceof Unreachable ? error : unreachable(host, error));
    };

    send.once("socket", (socket) => socket.once(secure ? "secureConnect" : "connect", () => clearTimeout(connecting)));
    send.once("error", failed);
    send.once("response", (response) => {
      clearTimeout(connecting);
      const arrivedAt = Date.now();
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_BODY_BYTES) send.destroy(new Unreachable("other", `${host} answered with more than ${MAX_BODY_BYTES} bytes`));
      });
      response.once("error", failed);
      response.once("end", () => {
        settle();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString("utf8"), clockOffset: offsetOf(response.headers.date, sentAt, arrivedAt) });
      });
    });
    send.end(body);
  });
}

/**
 * The answer's body as JSON.
 * @throws UnexpectedAnswer when it is none
 */
export function json(answer: Answer, what: string): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new UnexpectedAnswer(answer.status, `${what} (no JSON)`);
  }
}

/** Whole seconds name the start of a second: the middle of it is the best guess. */
export function offsetOf(date: string | number | undefined, sentAt: number, arrivedAt: number): ClockOffset | undefined {
  const theirs = typeof date === "number" ? date * 1_000 : Date.parse(date ?? "");
  return Number.isNaN(theirs) ? undefined : { milliseconds: Math.round(theirs + 500 - (sentAt + arrivedAt) / 2), uncertainty: 500 + (arrivedAt - sentAt) / 2 };
}

const REASONS: Readonly<Record<string, UnreachableReason>> = {
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unrouted",
  ENETUNREACH: "unrouted",
  ENOTFOUND: "name",
  EAI_AGAIN: "name",
  ABORT_ERR: "interrupted",
  EPROTO: "not-tls",
  ERR_SSL_WRONG_VERSION_NUMBER: "not-tls",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "not-tls",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "client-certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "client-certificate",
  ERR_TLS_CERT_ALTNAME_INVALID: "untrusted",
};

function unreachable(host: string, error: Error & { readonly code?: string }): Unreachable {
  const code = error.code ?? "";
  const reason = REASONS[code] ?? (/CERT|SIGNATURE|SELF_SIGNED|ISSUER/.test(code) ? "untrusted" : "other");
  return new Unreachable(reason, `${host}: ${error.message || code || "no answer"}`);
}
