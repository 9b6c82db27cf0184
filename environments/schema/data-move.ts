/** How the data moves from legacy's Convex to the platform's, on its own and before any process does. */
import { z } from "zod";
import { duration, label, nonEmpty, portNumber, size, url, withExample } from "./fields";

/** In the checkout, so that nothing outside it is ever rewritten. */
const inCheckout = (example: string) => withExample(z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$)).+$/, "must be a path inside the checkout, without .."), example);

export const dataMoveSchema = z.strictObject({
  /** Where the app's Convex functions and schema are taken from: an export carries neither. */
  app: z.discriminatedUnion("from", [
    z.strictObject({
      from: z.literal("repository"),
      /** What `git fetch` takes. */
      repository: nonEmpty("git@git.example.com:trading/tv-goldviewfx.git"),
      /** The commit that runs on the legacy host: a branch would deploy different functions on different days. */
      revision: withExample(z.string().regex(/^[0-9a-f]{40}$/, "must be a whole commit id, 40 lower-case hex digits"), "16f2e8d2b00e7963fdeb675e231c44c0663cb754"),
    }),
    /** Of this repository: for a lab, whose Convex runs nobody's code. */
    z.strictObject({ from: z.literal("folder"), folder: inCheckout("lab/convex-app") }),
  ]),
  /** CONVEX_URL that the legacy processes get. A name outlives a move of the data plane to the other node; the legacy host must resolve it. */
  convexUrl: url("http://gvfx-convex.service.consul:3210"),
  /** Files of the legacy checkout that may set CONVEX_URL, the one that counts first. Bun reads .env.local for what backend/.env leaves out. */
  envFiles: withExample(z.array(inCheckout("backend/.env")).min(1), ["backend/.env", ".env.local"]),
  /** Free space that a move needs, here for the exports of both sides, and on the legacy host, whose Convex keeps its export too. */
  room: size("20GiB"),
  /** How long open orders may take to settle once the kill switch is on. Nothing is stopped before. */
  ordersWithin: duration("10m"),
  /** From SIGTERM to SIGKILL. Longer than what a worker below its lease takes (lease.stopGrace, and some requests). */
  stopGrace: duration("40s"),
  /** For how long nothing may change in legacy's Convex after its writers were stopped. Longer than the shortest scheduler interval of a writer that was overlooked. */
  quietFor: duration("75s"),
  /** From the thaw until the worker must have begun a run in the new Convex: its interval, and what a run takes. */
  writesWithin: duration("5m"),
  /** Tables that must have rows after the move where they had before; the report names them. */
  criticalTables: withExample(z.array(withExample(z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]*$/, "must be the name of a Convex table"), "trades")), ["trades", "model_artifacts"]),
  /** The Postgres that a newer app keeps trading or market data in. Left out, a move is refused while a TIMESCALE_ switch is on. */
  timescale: z
    .strictObject({
      /** As TIMESCALE_URL on the legacy host has them, so that no other database is moved by mistake. */
      host: nonEmpty("127.0.0.1"),
      port: portNumber(5432),
      database: nonEmpty("goldviewfx"),
      /** The app's TIMESCALE_SCHEMA. */
      schema: label("public"),
    })
    .optional(),
});
