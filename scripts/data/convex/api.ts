/** Convex's HTTP API: queries, mutations and the admin's calls, with bounds, retries and errors that say what to do. */
import { setTimeout as wait } from "node:timers/promises";
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import { z } from "zod";
import { Duration } from "../../../contracts/units";
import { request, Unreachable, type Answer } from "../../clients/http";
import type { ConvexAccess } from "./access";

/** Reading a page of 5 MB, or counting a table right after a boot, takes the backend seconds. */
const ANSWER_TIMEOUT = Duration.minutes(1);
/** A backend that restarts is back within this time, or somebody has to look. */
const READ_PATIENCE = Duration.seconds(30);
const RETRY_EVERY = Duration.seconds(1);
/** A failed function: the backend's own status. */
const FUNCTION_FAILED = 560;
const MAX_COMPLAINT = 300;

export type FunctionKind = "query" | "mutation" | "action";

export type ConvexFailureReason = "key-refused" | "no-function" | "function-failed" | "unavailable" | "refused";

/** Convex answered, and did not do what was asked. */
export class ConvexFailure extends Error {
  override readonly name = "ConvexFailure";
  constructor(readonly reason: ConvexFailureReason, message: string) {
    super(message);
  }
}

/** An answer that is larger than anything is read into memory here. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Unreachable && /more than \d+ bytes/.test(error.message);
}

export interface ApiOptions {
  readonly signal?: AbortSignal;
  /** How long a question that changes nothing is asked again while the backend is unavailable. @default 30 s */
  readonly patience?: Duration;
  /** Between two attempts. @default 1 s */
  readonly retryEvery?: Duration;
}

const answerSchema = z.object({ status: z.enum(["success", "error"]), value: z.unknown().optional(), errorMessage: z.string().optional() });
const refusalSchema = z.object({ code: z.string(), message: z.string() });

export class ConvexApi {
  constructor(readonly access: ConvexAccess, private readonly options: ApiOptions = {}) {}

  /** Any call of the admin API: a small JSON, or a part of an upload. @throws ConvexFailure unless it was done */
  async admin(path: string, body: Uint8Array<ArrayBuffer> | Readonly<Record<string, unknown>> | undefined): Promise<unknown> {
    const binary = body instanceof Uint8Array;
    const key = await this.access.adminKey();
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.access.address}${path}`, {
        method: "POST",
        signal: this.options.signal,
        headers: { authorization: `Convex ${key}`, "content-type": binary ? "application/octet-stream" : "application/json" },
        ...(body === undefined ? {} : { body: binary ? body : JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      throw new Unreachable("other", `${new URL(this.access.address).host}: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`);
    }
    if (response.status !== 200) throw this.failure(response.status, text, path.split("?")[0], key);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** A system query, by the admin key; asked again while the backend is away, since it changes nothing. */
  system(path: string, args: Readonly<Record<string, Value>>): Promise<Value> {
    return this.ask("query", path, args, true);
  }

  /**
   * A public function of the app. Only queries are asked again while the backend is away: of a mutation nobody knows whether it was done.
   * @throws ConvexFailure "no-function" when the app's functions are not deployed
   */
  call(kind: FunctionKind, path: string, args: Readonly<Record<string, Value>>): Promise<Value> {
    return this.ask(kind, path, args, false);
  }

  private async ask(kind: FunctionKind, path: string, args: Readonly<Record<string, Value>>, asAdmin: boolean): Promise<Value> {
    const key = asAdmin ? await this.access.adminKey() : undefined;
    const body = JSON.stringify({ path, args: [convexToJson(args)], format: "convex_encoded_json" });
    const headers = { "content-type": "application/json", ...(key === undefined ? {} : { authorization: `Convex ${key}` }) };
    const deadline = kind === "query" ? Date.now() + (this.options.patience ?? READ_PATIENCE).milliseconds : 0;
    for (;;) {
      try {
        const answer = await request(`${this.access.address}/api/${kind}`, { method: "POST", headers, body, signal: this.options.signal, answerTimeout: ANSWER_TIMEOUT });
        return this.read(answer, path, key);
      } catch (error) {
        const away = (error instanceof ConvexFailure && error.reason === "unavailable") || (error instanceof Unreachable && ["refused", "other"].includes(error.reason) && !isTooLarge(error));
        if (!away || Date.now() >= deadline || this.options.signal?.aborted) throw error;
        await this.pause();
      }
    }
  }

  private read(answer: Answer, path: string, key: string | undefined): Value {
    if (answer.status !== 200 && answer.status !== FUNCTION_FAILED) throw this.failure(answer.status, answer.text, path, key);
    const { status, value, errorMessage = "" } = answerSchema.parse(JSON.parse(answer.text));
    if (status === "success") return jsonToConvex(value as Parameters<typeof jsonToConvex>[0]);
    if (/could not find (public )?function/i.test(errorMessage)) throw new ConvexFailure("no-function", `Convex of ${this.access.side} has no function ${path}: the app's functions are not deployed there; deploy them (gvfx data move does), then run this again`);
    throw new ConvexFailure("function-failed", `${path} failed at Convex of ${this.access.side}: ${this.shown(errorMessage, key)}`);
  }

  private failure(status: number, text: string, what: string, key: string | undefined): ConvexFailure {
    const { side, address } = this.access;
    if (status === 401 || status === 403) return new ConvexFailure("key-refused", `Convex of ${side} at ${address} refuses the admin key (status ${status}): it is of another instance or of another secret; see which one is used: gvfx data admin-key --side ${side}`);
    let said = text;
    try {
      const { code, message } = refusalSchema.parse(JSON.parse(text));
      said = `${code}: ${message}`;
    } catch {
      // Not Convex's own JSON: a proxy's page, say.
    }
    return new ConvexFailure(status === 503 || status === 502 || status === 504 ? "unavailable" : "refused", `Convex of ${side} at ${address} answered with status ${status} to ${what}: ${this.shown(said, key)}`);
  }

  private shown(text: string, key: string | undefined): string {
    const kept = key === undefined ? text : text.replaceAll(key, "<admin key>");
    return kept.trim().slice(0, MAX_COMPLAINT) || "(nothing)";
  }

  /** @throws AbortError when the signal is or gets aborted */
  async pause(): Promise<void> {
    await wait((this.options.retryEvery ?? RETRY_EVERY).milliseconds, undefined, { signal: this.options.signal });
  }
}
