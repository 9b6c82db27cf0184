/** `convex deploy` and `convex env`: the push protocol as the CLI speaks it, and environment variables. */
import { brotliDecompressSync } from "node:zlib";
import { BadPush, type Deployments, type Push, type PushRequest } from "../deploy/deployments";
import type { EnvironmentChange, EnvironmentVariables } from "../deploy/environment";
import type { DeclaredIndex, IndexChange } from "../deploy/schema-text";
import type { DocumentStore } from "../store/store";
import { failure, json, type Route } from "./server";

export interface DeployParts {
  readonly store: DocumentStore;
  readonly deployments: Deployments;
  readonly environment: EnvironmentVariables;
  /** Addresses of the instance, as its clients see them. */
  readonly origins: { readonly cloud: string; readonly site: string };
}

const database = ({ name, fields }: DeclaredIndex) => ({ name, type: "database", fields });

function indexDiff({ added, removed }: IndexChange) {
  return { added_indexes: added.map(database), removed_indexes: removed.map(database), enabled_indexes: [], disabled_indexes: [] };
}

function schemaChange({ id, indexes }: Push) {
  return { allocatedComponentIds: {}, schemaIds: { "": id }, indexDiffs: { "": indexDiff(indexes) } };
}

/** What the CLI generates code from. The double analyses no module: their functions are not told. */
function analysis({ next }: Push) {
  const definition = { path: "", definitionType: { type: "app" }, childComponents: [], httpMounts: {}, exports: { type: "branch", branch: [] }, envVars: null };
  return { "": { definition, schema: next.schema && schemaJson(next.declared.tables, next.declared.indexes, next.declared.schemaValidation), functions: {}, udfConfig: { serverVersion: next.udfServerVersion, importPhaseRngSeed: { $bytes: "" }, importPhaseUnixTimestamp: { $integer: "AAAAAAAAAAA=" } } } };
}

/** A schema as the backend tells it; documents may be anything, for the double does not read validators. */
export function schemaJson(tables: readonly string[], indexes: readonly DeclaredIndex[], schemaValidation: boolean) {
  const of = (table: string) => indexes.filter(({ name }) => name.startsWith(`${table}.`)).map(({ name, fields }) => ({ indexDescriptor: name.slice(table.length + 1), fields }));
  return { tables: tables.map((tableName) => ({ tableName, indexes: of(tableName), searchIndexes: [], vectorIndexes: [], documentType: { type: "any" } })), schemaValidation };
}

async function body<T>(request: Request): Promise<T> {
  const bytes = Buffer.from(await request.arrayBuffer());
  const text = request.headers.get("content-encoding") === "br" ? brotliDecompressSync(bytes) : bytes;
  return JSON.parse(text.toString()) as T;
}

type Handler = (request: Request) => Promise<Response>;

/** @param isAdmin of the key in a push's body @param refused the answer to a request without the right header */
export function deployRoutes({ store, deployments, environment, origins }: DeployParts, isAdmin: (key: string) => boolean, refused: (request: Request) => Response | undefined): Route {
  const pushed = async <T extends object>(request: Request): Promise<T | Response> => {
    const content = await body<T & { adminKey?: string }>(request);
    return isAdmin(content.adminKey ?? "") ? content : failure(403, "BadAdminKey", "The provided admin key was invalid for this instance");
  };
  const counted = async (indexes: readonly DeclaredIndex[], change: string) =>
    Promise.all(indexes.map(async (index) => ({ ...database(index), change, needsBackfill: change === "added", numDocs: await store.count(index.name.split(".")[0]) })));

  const pushes: Readonly<Record<string, Handler>> = {
    "/api/get_config_hashes": async (request) => {
      const content = await pushed(request);
      if (content instanceof Response) return content;
      const { latest } = deployments;
      const moduleHashes = (latest?.modules ?? []).map(({ path, environment: where, sha256 }) => ({ path, environment: where, hash: sha256 }));
      return json({ config: { functions: latest?.functions ?? "convex/" }, moduleHashes, udfServerVersion: latest?.udfServerVersion ?? null, nodeVersion: null });
    },
    "/api/deploy2/evaluate_schema": async (request) => {
      const content = await pushed<PushRequest>(request);
      if (content instanceof Response) return content;
      const { next, indexes } = deployments.evaluate(content);
      const predictions = [...(await counted(indexes.added, "added")), ...(await counted(indexes.removed, "dropped")), ...(await counted(indexes.identical, "identical"))];
      return json({ componentSchemaEvaluations: { "": { definitionPath: "", schemaValidation: next.declared.schemaValidation, tables: [], indexes: predictions, discardedStagedValidators: [] } }, newComponentDefinitions: [] });
    },
    "/api/deploy2/evaluate_push": async (request) => {
      const content = await pushed<PushRequest>(request);
      return content instanceof Response ? content : json({ schemaChange: schemaChange(deployments.evaluate(content)) });
    },
    "/api/deploy2/start_push": async (request) => {
      const content = await pushed<PushRequest>(request);
      if (content instanceof Response) return content;
      const push = content.dryRun ? deployments.evaluate(content) : deployments.start(content);
      const environmentVariables = Object.fromEntries((await environment.list()).map(({ name, value }) => [name, value]));
      const app = { definitionPath: "", componentPath: "", args: {}, childComponents: {}, httpRoutes: { httpModuleRoutes: null, mounts: [] }, exports: {} };
      return json({ environmentVariables, externalDepsId: null, componentDefinitionPackages: {}, appAuth: [], analysis: analysis(push), app, schemaChange: schemaChange(push) });
    },
    "/api/deploy2/wait_for_schema": async (request) => {
      const content = await pushed(request);
      return content instanceof Response ? content : json({ type: "complete" });
    },
    "/api/deploy2/finish_push": async (request) => {
      const content = await pushed<{ startPush: { schemaChange: { schemaIds: { "": string } } }; dryRun: boolean; message: string | null }>(request);
      if (content instanceof Response) return content;
      const nothing = { authDiff: { added: [], removed: [] }, definitionDiffs: {}, componentDiffs: {} };
      if (content.dryRun) return json(nothing);
      const { push, before } = await deployments.finish(content.startPush.schemaChange.schemaIds[""], content.message);
      const [had, has] = [before?.modules ?? [], push.next.modules].map((modules) => modules.map(({ path }) => path));
      const root = {
        diffType: { type: before ? "modify" : "create" },
        moduleDiff: { added: has.filter((path) => !had.includes(path)), removed: had.filter((path) => !has.includes(path)) },
        udfConfigDiff: null,
        cronDiff: { added: [], updated: [], deleted: [] },
        indexDiff: indexDiff(push.indexes),
        schemaDiff: before?.schema?.sha256 === push.next.schema?.sha256 ? null : { previous_schema: before?.schema?.source ?? null, next_schema: push.next.schema?.source ?? null },
      };
      return json({ ...nothing, componentDiffs: { "": root } });
    },
    "/api/deploy2/report_push_completed": async (request) => {
      const content = await pushed(request);
      return content instanceof Response ? content : json(null);
    },
  };

  const update: Handler = async (request) => {
    const { changes } = await body<{ changes: { name: string; value?: string | null }[] }>(request);
    try {
      await environment.update(changes.map(({ name, value = null }): EnvironmentChange => ({ name, value })));
      return new Response(null, { status: 200 });
    } catch (error) {
      if (!(error instanceof Error) || "code" in error) throw error;
      return failure(400, "InvalidEnvironmentVariable", error.message);
    }
  };
  const list: Handler = async () => json({ environmentVariables: Object.fromEntries((await environment.list()).map(({ name, value }) => [name, value])) });
  const admins: Readonly<Record<string, Handler>> = {
    "POST /api/update_environment_variables": update,
    "POST /api/v1/update_environment_variables": update,
    "GET /api/v1/list_environment_variables": list,
    "GET /api/v1/get_canonical_urls": async () => json({ convexCloudUrl: origins.cloud, convexSiteUrl: origins.site }),
  };

  return async (request, url) => {
    const admin = admins[`${request.method} ${url.pathname}`];
    if (admin) return refused(request) ?? admin(request);
    if (request.method !== "POST" || !Object.hasOwn(pushes, url.pathname)) return undefined;
    try {
      return await pushes[url.pathname](request);
    } catch (error) {
      if (!(error instanceof BadPush)) throw error;
      return failure(400, "InvalidPush", `Hit an error while pushing:\n${error.message}`);
    }
  };
}
