/** How it is operated: backend, alerts, legacy, cutover thresholds. */
import { z } from "zod";
import { sshSchema } from "./cluster";
import { count, duration, label, nonEmpty, encryptedUrl, portNumber, tailnetAddress, url, withExample } from "./fields";

export const backendSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("local"),
    /** Folder for the state files, relative to where Terraform runs. The states hold secrets: docs/decisions lists them. */
    folder: nonEmpty(".gvfx/state"),
  }),
  z.strictObject({
    kind: z.literal("hcp"),
    hostname: nonEmpty("app.terraform.io"),
    organization: nonEmpty("example-org"),
    project: nonEmpty("tv-goldviewfx"),
    /** Workspaces are named <prefix>-<stack>: by name, so that one stack can read another's outputs. */
    workspacePrefix: label("gvfx-production"),
  }),
]);

export const alertsSchema = z.strictObject({
  /** Receives a POST with a JSON body and a token for each alert: over TLS, or inside the tailnet, which encrypts. */
  destination: encryptedUrl("https://alerts.example.com/hooks/gvfx"),
  /** Expects a request at least this often; its silence is the alarm. */
  deadManUrl: encryptedUrl("https://alerts.example.com/heartbeat/gvfx").optional(),
  deadManInterval: duration("60s"),
});

const command = (example: string) => nonEmpty(example);

export const legacySchema = z.strictObject({
  host: z.strictObject({
    /** Name of one of the app nodes, when legacy runs there. */
    node: label("server-1").optional(),
    tailnetAddress: tailnetAddress("100.64.0.31"),
    ssh: sshSchema,
  }),
  /** Where the hand-started processes listen. */
  ports: z.strictObject({ frontend: portNumber(3000), api: portNumber(8787), rlService: portNumber(9101) }),
  checkout: nonEmpty("/home/trader/tv-goldviewfx"),
  pidFiles: z.strictObject({ api: nonEmpty(".pids/backend-api.pid"), worker: nonEmpty(".pids/backend-jobs.pid"), rlService: nonEmpty(".pids/rl-service.pid") }),
  commands: z.strictObject({
    start: command("scripts/daemonize-backend.sh start"),
    stop: command("scripts/daemonize-backend.sh stop"),
    restart: command("scripts/daemonize-backend.sh restart"),
    status: command("scripts/daemonize-backend.sh status"),
    startWorker: command("scripts/start-worker.sh"),
    startFrontend: command("systemctl --user start gvfx-frontend"),
    stopFrontend: command("systemctl --user stop gvfx-frontend"),
    /** @default SIGTERM to the process of the pid file, once its command line says that it is the worker */
    stopWorker: command("systemctl --user stop gvfx-worker").optional(),
    /** @default `start`, after the worker was started: it leaves alone what runs */
    startApi: command("systemctl --user start gvfx-api").optional(),
    /** @default SIGTERM to the process of the pid file, once its command line says that it is the API */
    stopApi: command("systemctl --user stop gvfx-api").optional(),
    /** Prints an admin key of legacy's Convex as its last line. @default the variable LEGACY_CONVEX_ADMIN_KEY is needed instead */
    convexAdminKey: command("docker compose exec -T convex-backend ./generate_admin_key.sh").optional(),
  }),
  convexUrl: url("http://100.64.0.31:3210"),
  /** Legacy is gone for good: its lease token is withdrawn. Needs the evidence of a finished watch. */
  retired: z.boolean(),
});

/** A roll-back trigger: more than `threshold` in `window`, judged only with at least `minimumSamples`. */
const trigger = (threshold: number) =>
  z.strictObject({ window: duration("5m"), threshold: withExample(z.number().nonnegative(), threshold), minimumSamples: count(5), missingData: withExample(z.enum(["fail", "inconclusive"]), "inconclusive") });

export const cutoverSchema = z.strictObject({
  watch: duration("48h"),
  /** Real requests through the gateways, all of which must be answered by one side. */
  trafficRequests: count(200),
  /** How many times as long as the baseline's a request may take at the 95th percentile (gvfx perf). */
  perfAtMostRatio: withExample(z.number().positive(), 1.5),
  guardianMode: withExample(z.enum(["advise", "act"]), "advise"),
  rollback: z.strictObject({
    duplicateIngestionRuns: trigger(1),
    unresolvedConvexWriteFailures: trigger(5),
    apiErrorRatio: trigger(0.05),
    rlErrorRatio: trigger(0.2),
  }),
});
