/**
 * Sends requests at a constant rate, whether earlier ones were answered or not:
 * a service that stalls gets no mercy by a client that waits for it. Nothing is
 * repeated, so that every failure a client would have seen is counted.
 */
import { randomBytes } from "node:crypto";
import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Duration } from "../../../contracts/units";
import { Tally, type FailureKind, type LoadResult } from "./tally";

export interface LoadOptions {
  /** Where the service is, without a path: "http://127.0.0.1:18787". */
  readonly url: string;
  /** Requests a second. */
  readonly rate: number;
  /** @default until `signal` ends it */
  readonly duration?: Duration;
  /** Read one after the other. @default ["/health"] */
  readonly reads?: readonly string[];
  /** A call that must not be sent twice, and its share of all requests, from 0 to 1. @default none */
  readonly write?: { readonly path: string; readonly body: (id: string) => unknown; readonly share: number };
  /** Sent as Bearer token. @default none */
  readonly token?: string;
  /** @default 10 s */
  readonly timeout?: Duration;
  /** Ends the load; requests under way are waited for. */
  readonly signal?: AbortSignal;
}

/** Far above any answer that a person would wait for, and below the gateway's own. */
const ANSWER_TIMEOUT = Duration.seconds(10);
/** The gateway closes idle connections after 30 s: one that has been idle for long is not used again, or a request could meet the close. */
const IDLE_CONNECTION = Duration.seconds(10);
/** One slice of sending; below a millisecond timers are not exact. */
const SLICE_MS = 2;
const MAX_DETAIL = 160;

/** One load: what it was, once it has ended, and what it is so far. */
export interface Load {
  readonly run: string;
  readonly done: Promise<LoadResult>;
  readonly soFar: () => LoadResult;
}

/** Begins a load. */
export function startLoad(options: LoadOptions): Load {
  const { url, rate, duration, reads = ["/health"], write, token, timeout = ANSWER_TIMEOUT, signal } = options;
  const target = new URL(url);
  if (target.protocol !== "http:") throw new Error(`the load goes to the gateway, which speaks http, not ${target.protocol}; write for example --url http://127.0.0.1:18787`);
  if (!(rate > 0) || reads.length === 0) throw new Error("a load needs a rate above 0 requests a second and something to read; write for example --rate 200 --read /health");
  const run = `load-${randomBytes(4).toString("hex")}`;
  const tally = new Tally(run, rate);
  const agent = new http.Agent({ keepAlive: true, timeout: IDLE_CONNECTION.milliseconds, scheduling: "lifo" });
  const began = performance.now();
  const now = (): number => performance.now() - began;
  const limit = duration ? Math.round((rate * duration.milliseconds) / 1_000) : Infinity;
  const underWay = new Set<Promise<void>>();

  const send = async (n: number): Promise<void> => {
    const id = `${run}-${n + 1}`;
    const dueMs = (n * 1_000) / rate;
    const isWrite = write !== undefined && isDue(n, write.share);
    const body = isWrite ? JSON.stringify(write.body(id)) : undefined;
    const method = isWrite ? "POST" : "GET";
    const sentMs = now();
    const failure = await once({ target, path: isWrite ? write.path : reads[n % reads.length], method, body, agent, timeout, headers: { "x-request-id": id, ...(token ? { authorization: `Bearer ${token}` } : {}) } });
    tally.add({ id, method, dueMs, sentMs, endMs: now(), ...(failure ? { failure } : {}) });
  };

  const sendAll = async (): Promise<LoadResult> => {
    for (let n = 0; n < limit && !signal?.aborted; ) {
      for (const due = Math.min(limit, Math.floor((now() * rate) / 1_000) + 1); n < due; n++) {
        const sent = send(n).finally(() => underWay.delete(sent));
        underWay.add(sent);
      }
      if (n < limit) await pause(Math.max(SLICE_MS, (n * 1_000) / rate - now()), undefined, { signal }).catch(() => undefined);
    }
    const ended = now();
    await Promise.all(underWay);
    agent.destroy();
    return tally.result(ended / 1_000);
  };
  return { run, done: sendAll(), soFar: () => tally.result(now() / 1_000) };
}

/** Whether the n-th request is one of a share, evenly spread: of 30 %, three of any ten. */
export function isDue(n: number, share: number): boolean {
  return Math.floor((n + 1) * share + 1e-9) > Math.floor(n * share + 1e-9);
}

interface OneRequest {
  readonly target: URL;
  readonly path: string;
  readonly method: string;
  readonly body: string | undefined;
  readonly agent: http.Agent;
  readonly timeout: Duration;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends once; what failed, if anything did. */
function once({ target, path, method, body, agent, timeout, headers }: OneRequest): Promise<{ kind: FailureKind; detail: string } | undefined> {
  return new Promise((settle) => {
    let timedOut = false;
    const request = http.request({ host: target.hostname, port: target.port || 80, path, method, agent, headers: { host: target.host, ...headers, ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }) } });
    const timer = setTimeout(() => {
      timedOut = true;
      request.destroy(new Error(`no answer within ${timeout}`));
    }, timeout.milliseconds);
    const end = (failure?: { kind: FailureKind; detail: string }): void => {
      clearTimeout(timer);
      settle(failure);
    };
    const broken = (error: Error & { readonly code?: string }): void => end({ kind: timedOut ? "timeout" : "connection", detail: [error.code, error.message].filter(Boolean).join(" ").slice(0, MAX_DETAIL) });
    request.on("error", broken);
    request.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text.length < MAX_DETAIL ? (text += part) : undefined));
      response.on("error", broken);
      response.once("end", () => {
        const { statusCode = 0 } = response;
        end(statusCode >= 200 && statusCode < 300 ? undefined : { kind: "status", detail: `${statusCode} ${text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_DETAIL)}` });
      });
    });
    request.end(body);
  });
}
