/** The app's public queries, and Convex's own of its CLI, over HTTP. They only read, so that a lost answer is asked for again. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Duration } from "../../../contracts/units";
import { json, request, Unreachable, UnexpectedAnswer } from "../../clients/http";

/** A query that reads its limit of rows takes seconds; one that takes longer hangs. */
const ANSWER_TIMEOUT = Duration.seconds(60);
const ATTEMPTS = 3;
/** A restart of Convex takes a few seconds. */
const RETRY_AFTER = Duration.seconds(2);

const answerSchema = z.discriminatedUnion("status", [z.object({ status: z.literal("success"), value: z.unknown() }), z.object({ status: z.literal("error"), errorMessage: z.string().optional() })]);

/** Convex answered, and the function failed or is not there. */
export class QueryFailed extends Error {
  constructor(readonly path: string, reason: string) {
    super(`Convex refused ${path}: ${reason}${/Could not find public function/.test(reason) ? " (the app's functions are not deployed there: an import of data does not bring them)" : ""}`);
    this.name = "QueryFailed";
  }
}

export interface ConvexCalls {
  readonly address: string;
  /** @throws QueryFailed, Unreachable or UnexpectedAnswer */
  query(path: string, args: object, options?: { readonly adminKey?: string }): Promise<unknown>;
  /** Milliseconds by which the clock over there is ahead of this machine's, as far as whole seconds tell; 0 when they do not. */
  clockAhead(): Promise<number>;
}

export function convexCalls(address: string, signal?: AbortSignal, retryAfter = RETRY_AFTER): ConvexCalls {
  const ask = async (path: string, args: object, adminKey: string | undefined): Promise<unknown> => {
    const answer = await request(`${address}/api/query`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(adminKey === undefined ? {} : { authorization: `Convex ${adminKey}` }) },
      body: JSON.stringify({ path, args, format: "json" }),
      answerTimeout: ANSWER_TIMEOUT,
      signal,
    });
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Convex's ${path}`);
    const read = answerSchema.parse(json(answer, `Convex's ${path}`));
    if (read.status === "error") throw new QueryFailed(path, firstLine(read.errorMessage));
    return read.value;
  };
  return {
    address,
    async query(path, args, { adminKey } = {}) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await ask(path, args, adminKey);
        } catch (error) {
          if (!passing(error) || attempt === ATTEMPTS || signal?.aborted) throw error;
          await sleep(retryAfter.milliseconds, undefined, { signal });
        }
      }
    },
    async clockAhead() {
      const { status, clockOffset } = await request(`${address}/version`, { signal });
      if (status !== 200) throw new UnexpectedAnswer(status, `Convex's /version at ${address}`);
      return clockOffset === undefined || Math.abs(clockOffset.milliseconds) <= clockOffset.uncertainty ? 0 : clockOffset.milliseconds;
    },
  };
}

/** What may be otherwise in a moment. */
function passing(error: unknown): boolean {
  return (error instanceof Unreachable && error.reason !== "interrupted") || (error instanceof UnexpectedAnswer && (error.status >= 500 || error.status === 429));
}

/** A stack trace of the app's function follows after the first line. */
function firstLine(text = "without a reason"): string {
  return text.split("\n")[0].slice(0, 300);
}
