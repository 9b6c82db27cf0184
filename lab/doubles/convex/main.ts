/** A double of the Convex backend: its protocol, on the real Postgres and the real object store. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Deployments } from "./deploy/deployments";
import { EnvironmentVariables } from "./deploy/environment";
import { adminCheck, adminRoutes, refusal } from "./http/admin";
import { Caller } from "./http/calls";
import { deployRoutes } from "./http/deploy";
import { answer, callRoute, fileRoutes, statusRoutes, type Route } from "./http/server";
import { SyncSession } from "./http/sync";
import { systemQuery } from "./http/system-queries";
import { diskObjects } from "./objects/disk";
import { s3Objects } from "./objects/s3";
import { settingsFrom, uploadKey, type Settings } from "./settings";
import { StorageFiles } from "./storage-files";
import type { Database } from "./store/sql";
import { openPostgres } from "./store/postgres";
import { openSqlite } from "./store/sqlite";
import { DocumentStore } from "./store/store";
import { Exports } from "./transfer/export";
import { Faults } from "./transfer/faults";
import { Imports } from "./transfer/imports";

const VERSION = "convex-double (a double of ghcr.io/get-convex/convex-backend)";
/** Postgres starts beside the backend: it is given this long before the process fails and its supervisor tries again. */
const DATABASE_PATIENCE_MS = 60_000;
/** How long a change of a subscribed query may take to reach its client: an operator watches a progress line. */
const SYNC_INTERVAL_MS = 250;
/** Calls in flight at SIGINT get this long; a client that only keeps its connection open does not hold up the end. */
const STOP_PATIENCE_MS = 5_000;
/** The largest body: a whole snapshot by POST /api/import. */
const MAX_BODY_BYTES = 4 * 1024 ** 3;

function log(line: string): void {
  console.log(`${new Date().toISOString()} convex-double: ${line}`);
}

async function openDatabase(settings: Settings): Promise<Database> {
  if (settings.postgres) return openPostgres(settings.postgres);
  if (!existsSync(settings.dataFolder)) mkdirSync(settings.dataFolder, { recursive: true });
  return openSqlite(join(settings.dataFolder, "convex_double.sqlite3"));
}

function leave(error: Error): void {
  log(`stopped: ${error.message}`);
  // As the real one: it lost the lease in good order, and exits with success.
  process.exit(0);
}

/** What a crash is to everybody else: an exit without a word. */
function crash(why: string): never {
  log(why);
  process.exit(1);
}

async function openStore(settings: Settings): Promise<DocumentStore> {
  const deadline = Date.now() + DATABASE_PATIENCE_MS;
  for (;;) {
    const database = await openDatabase(settings);
    try {
      return await DocumentStore.open(database, leave);
    } catch (error) {
      await database.close().catch(() => undefined);
      if (Date.now() >= deadline) throw error;
      log(`database not ready: ${error instanceof Error ? error.message : String(error)}; trying again in 1 s`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** A database keeps to the object store it began with: its files would be nowhere otherwise. */
async function bindObjects(store: DocumentStore, place: string): Promise<void> {
  const bound = await store.fact("objects");
  if (bound === undefined) await store.setFact("objects", place);
  else if (bound !== place) throw new Error(`the database's files are in ${bound}, and this configuration says ${place}: set the S3_* and AWS_* variables as they were, or start with an empty database`);
}

async function main(): Promise<void> {
  const settings = settingsFrom(process.env);
  log(`this is a double; instance ${settings.instanceName}`);
  for (const note of settings.notes) log(note);
  const store = await openStore(settings);
  const objects = settings.s3 ? s3Objects(settings.s3, settings.instanceName) : diskObjects(join(settings.dataFolder, "storage"));
  await bindObjects(store, `${objects.kind}:${settings.instanceName}`);
  const files = new StorageFiles(store, objects, settings.cloudOrigin, uploadKey(settings));
  const deployments = new Deployments(store);
  await deployments.load();
  const environment = new EnvironmentVariables(store);
  const caller = new Caller(store, files, (path) => !settings.needsDeploy || deployments.has(path));
  const faults = new Faults(settings.importFaults, store, crash);
  const system = {
    store,
    deployments,
    environment,
    cloudOrigin: settings.cloudOrigin,
    exports: new Exports(store, objects, log),
    imports: new Imports(store, objects, log, faults, () => deployments.tables),
    countsFrom: Date.now() + settings.tableSummariesAfter * 1000,
  };
  await system.exports.load();
  await system.imports.load();
  const isAdmin = adminCheck(settings);
  const pushes = deployRoutes({ store, deployments, environment, origins: { cloud: settings.cloudOrigin, site: settings.siteOrigin } }, isAdmin, (request) => refusal(request, isAdmin));
  const routes: Route[] = [statusRoutes(settings.instanceName, VERSION), pushes, adminRoutes(system, objects, isAdmin), callRoute(caller), fileRoutes(files)];

  const session = (send: (message: object) => void) =>
    new SyncSession({
      isAdmin,
      send,
      async query(path, args, admin) {
        if (!path.startsWith("_system/")) return caller.call(path, args, "query");
        if (!admin) throw new Error("BadAdminKey: system queries need an admin key");
        return systemQuery(system, path, args);
      },
    });

  // Longer than any call but an import's, which answers as it goes.
  const common = { hostname: "0.0.0.0", idleTimeout: 255, maxRequestBodySize: MAX_BODY_BYTES };
  const api = Bun.serve<{ session?: SyncSession; timer?: ReturnType<typeof setInterval> }, never>({
    ...common,
    port: settings.ports.api,
    fetch(request, server) {
      if (/^\/api\/[\d.]+\/sync$/.test(new URL(request.url).pathname) && server.upgrade(request, { data: {} })) return undefined;
      return answer(routes, request, log);
    },
    websocket: {
      open(socket) {
        const opened = session((message) => socket.send(JSON.stringify(message)));
        socket.data = { session: opened, timer: setInterval(() => void opened.refresh(), SYNC_INTERVAL_MS) };
      },
      message: (socket, text) => void socket.data.session?.receive(String(text)),
      close: (socket) => clearInterval(socket.data.timer),
    },
  });
  const site = Bun.serve({ ...common, port: settings.ports.site, fetch: () => new Response("This double of a Convex deployment has no HTTP actions.\n", { status: 404 }) });
  log(`listening on ${settings.ports.api} and ${settings.ports.site}; documents in ${settings.postgres ? "Postgres" : "SQLite"}, files in ${objects.kind === "s3" ? "S3" : "a folder"}`);

  process.on("SIGTERM", () => log("SIGTERM ignored, as the real backend ignores it: it stops at SIGINT"));
  process.once("SIGINT", () => {
    log("SIGINT: stopping");
    const answered = Promise.all([api.stop(), site.stop()]);
    void Promise.race([answered, new Promise((resolve) => setTimeout(resolve, STOP_PATIENCE_MS))])
      .then(() => store.close())
      .finally(() => process.exit(0));
  });
}

main().catch((error: unknown) => {
  log(`failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
