/** What an environment may say of a move, each error planted. */
import { accessGrants } from "../../../constructs/tailnet/access-grants";
import { tailnetTags } from "../../../constructs/tailnet/policy";
import { EnvironmentError, parseEnvironment } from "../../../environments/parse";
import { lab } from "../../../environments/lab";
import { production } from "../../../environments/production";
import type { EnvironmentInput } from "../../../environments/schema";
import { moveSettings } from "../../../scripts/data/move/access";
import { edited } from "../../environments/edit";

function findings(edits: Readonly<Record<string, unknown>>, input: EnvironmentInput = production): string[] {
  try {
    parseEnvironment("planted", edited(input, edits));
    return [];
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return error.findings.map(({ path, message }) => `${path}: ${message}`);
  }
}

const PLANTED: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ["a branch in place of a commit", { "dataMove.app.revision": "main" }, /^dataMove\.app\.revision: must be a whole commit id/],
  ["stand-ins for production's functions", { "dataMove.app": { from: "folder", folder: "lab/convex-app" } }, /^dataMove\.app\.from: is "folder" outside a lab/],
  ["an env file outside of the checkout", { "dataMove.envFiles": ["../.env"] }, /^dataMove\.envFiles\[0\]: must be a path inside the checkout/],
  ["an env file of the whole machine", { "dataMove.envFiles": ["/etc/environment"] }, /^dataMove\.envFiles\[0\]: must be a path inside the checkout/],
  ["no env file", { "dataMove.envFiles": [] }, /^dataMove\.envFiles: /],
  ["a grace that kills a worker below its lease", { "dataMove.stopGrace": "25s" }, /^dataMove\.stopGrace: 25s is shorter than what a worker below its lease may take/],
  ["a table of no Convex", { "dataMove.criticalTables": ["_storage"] }, /^dataMove\.criticalTables\[0\]: must be the name of a Convex table/],
];

test.each(PLANTED)("finds %s", (_, edits, expected) => {
  expect(findings(edits).filter((finding) => expected.test(finding))).toHaveLength(1);
});

test("production and the lab are valid, and so is a named database", () => {
  expect([findings({}), findings({}, lab)]).toEqual([[], []]);
  expect(findings({ "dataMove.timescale": { host: "127.0.0.1", port: 5432, database: "goldviewfx", schema: "public" } })).toEqual([]);
});

test("the legacy host reaches the platform's Postgres only where its database is to be moved", () => {
  const toPostgres = (edits: Readonly<Record<string, unknown>>): boolean => {
    const environment = parseEnvironment("test", edited(production, edits)) as Parameters<typeof accessGrants>[0];
    return JSON.stringify(accessGrants(environment, tailnetTags(environment)).filter(({ src }) => JSON.stringify(src).includes("legacy"))).includes("5432");
  };
  expect(toPostgres({})).toBe(false);
  expect(toPostgres({ "dataMove.timescale": { host: "127.0.0.1", port: 5432, database: "goldviewfx", schema: "public" } })).toBe(true);
});

test("what is typed next names the environment", () => {
  expect(moveSettings(parseEnvironment("lab", lab)).commands).toMatchObject({ move: "GVFX_ENV=lab npm run gvfx -- data move", undo: "GVFX_ENV=lab npm run gvfx -- data move undo" });
  expect(moveSettings(parseEnvironment("production", production))).toMatchObject({ apiStartsAlone: false, hostAddress: "100.64.0.31", commands: { resume: "npm run gvfx -- data move --resume" } });
});
