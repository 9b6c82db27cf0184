/** What only the holder of an admin key may ask: system queries, exports and imports. */
import { isAdminKey } from "../admin/admin-key";
import type { Objects } from "../objects/objects";
import type { Settings } from "../settings";
import { IMPORT_MODES, type ImportMode } from "../transfer/import";
import { putBody, putPart, type Part } from "../transfer/upload";
import { callFrom } from "./calls";
import { failure, json, type Route } from "./server";
import { SystemUnavailable, systemQuery, type SystemParts } from "./system-queries";

/** Header `Authorization: Convex <key>`. */
export function adminCheck({ instanceName, instanceSecret }: Settings): (key: string) => boolean {
  return (key) => isAdminKey(key, instanceName, instanceSecret);
}

export function refusal(request: Request, isAdmin: (key: string) => boolean): Response | undefined {
  const header = request.headers.get("authorization") ?? "";
  if (!header.startsWith("Convex ")) return failure(401, "MissingAdminKey", "this needs an admin key: send the header Authorization: Convex <key>");
  if (!isAdmin(header.slice("Convex ".length))) return failure(403, "BadAdminKey", "The provided admin key was invalid for this instance: make one with ./generate_admin_key.sh in the backend's container");
  return undefined;
}

interface FinishUpload {
  readonly import: { readonly mode?: string; readonly format?: string; readonly tableName?: string };
  readonly partTokens: readonly Part[];
}

function modeFrom(mode: string | null | undefined, format: string | null | undefined): ImportMode | Response {
  if (format !== "zip") return failure(400, "UnsupportedFormat", `format ${String(format)}: the Convex double imports snapshots (zip) only`);
  const found = IMPORT_MODES.find((candidate) => candidate === (mode ?? "requireEmpty"));
  return found ?? failure(400, "InvalidMode", `mode ${String(mode)} is not known: it must be one of ${IMPORT_MODES.join(", ")}`);
}

export function adminRoutes(parts: SystemParts, objects: Objects, isAdmin: (key: string) => boolean): Route {
  const { exports, imports } = parts;

  const handlers: Readonly<Record<string, (request: Request, url: URL) => Promise<Response>>> = {
    "POST /api/export/request/zip": async (_request, url) => {
      if (exports.inProgress) return failure(400, "ExportInProgress", "There is already an export requested or in progress.");
      await exports.request(url.searchParams.get("includeStorage") === "true");
      return json(null);
    },
    "POST /api/import/start_upload": async () => json({ uploadToken: imports.newUpload() }),
    "POST /api/import/upload_part": async (request, url) => {
      const content = new Uint8Array(await request.arrayBuffer());
      const number = Number(url.searchParams.get("partNumber"));
      if (await imports.faults.refusesPart(number)) return failure(503, "ServiceUnavailable", `part ${number} was not taken: DOUBLE_IMPORT_FAULTS`);
      return json(await putPart(objects, url.searchParams.get("uploadToken") ?? "", number, content));
    },
    "POST /api/import/finish_upload": async (request) => {
      const body = (await request.json()) as FinishUpload;
      const mode = modeFrom(body.import.mode, body.import.format);
      if (mode instanceof Response) return mode;
      return json({ importId: (await imports.start(body.partTokens, mode)).id });
    },
    "POST /api/perform_import": async (request) => {
      const { importId } = (await request.json()) as { importId: string };
      const record = imports.get(importId);
      if (!record) return failure(404, "ImportNotFound", `no import ${importId}`);
      return (await imports.confirm(record)) ? json(null) : failure(400, "ImportNotWaiting", `import ${importId} is ${record.state.state}, it does not wait to be confirmed`);
    },
    "POST /api/import": async (request, url) => {
      const mode = modeFrom(url.searchParams.get("mode"), url.searchParams.get("format"));
      if (mode instanceof Response) return mode;
      if (!request.body) return failure(400, "EmptyBody", "the body must be a snapshot");
      const uploaded = await putBody(objects, imports.newUpload(), request.body as unknown as AsyncIterable<Uint8Array>);
      try {
        return json({ numWritten: await imports.direct(uploaded, mode) });
      } catch (error) {
        return failure(400, "ImportFailed", error instanceof Error ? error.message : String(error));
      }
    },
  };

  return async (request, url) => {
    const handler = handlers[`${request.method} ${url.pathname}`];
    const [, exported] = /^\/api\/export\/zip\/(\d+)$/.exec(url.pathname) ?? [];
    if (!handler && !(exported && request.method === "GET")) return systemCall(parts, request, url, isAdmin);
    const refused = refusal(request, isAdmin);
    if (refused) return refused;
    if (handler) return handler(request, url);
    const stream = await exports.open(exported);
    if (!stream) return failure(404, "ExportNotFound", `no export ${exported}`);
    return new Response(stream, { headers: { "content-type": "application/zip", "content-disposition": `attachment; filename=snapshot_${exported}.zip` } });
  };
}

/** POST /api/query of a path under _system; other calls are not for this route. */
async function systemCall(parts: SystemParts, request: Request, url: URL, isAdmin: (key: string) => boolean): Promise<Response | undefined> {
  if (request.method !== "POST" || url.pathname !== "/api/query") return undefined;
  const body: unknown = await request.clone().json().catch(() => undefined);
  if (typeof (body as { path?: unknown } | undefined)?.path !== "string" || !(body as { path: string }).path.startsWith("_system/")) return undefined;
  const refused = refusal(request, isAdmin);
  if (refused) return refused;
  const call = callFrom(body);
  try {
    return json({ status: "success", value: call.encode(await systemQuery(parts, call.path, call.args)), logLines: [] });
  } catch (error) {
    if (error instanceof SystemUnavailable) return failure(503, error.reason, error.message);
    if (!(error instanceof Error) || "code" in error) throw error;
    return json({ status: "error", errorMessage: error.message, logLines: [] });
  }
}
